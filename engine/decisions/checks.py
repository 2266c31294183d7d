"""What a deployment is told about its decision files, and about the tasks of its diagrams that ask decisions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.decisions.reading import read_decisions
from engine.errors import Finding
from engine.model import Definition


def is_decision(path: str) -> bool:
    """Whether a file holds decisions."""
    return path.endswith(".dmn")


def check_decisions(files: Mapping[str, bytes]) -> Iterator[Finding]:
    """All that is wrong with the decision files among `files`, or worth a remark; paths begin with the file's name."""
    seen: dict[str, str] = {}
    for path, xml in sorted(files.items()):
        if not is_decision(path):
            continue
        read = read_decisions(xml)
        for found in read.findings:
            place = f"{path}:{found.path}" if found.path else path
            yield Finding(found.code, found.severity, found.element, place, found.values)
        for key, decision in read.decisions.items():
            if key in seen:
                values = {"decision": key, "other": seen[key]}
                yield Finding("decision_key_taken", "error", key, f"{path}:{decision.line}", values)
            seen.setdefault(key, path)


def check_references(model: Definition, path: str, files: Mapping[str, bytes]) -> Iterator[Finding]:
    """Tasks that ask for a decision which no file beside the diagram holds: an error when it must be there, else a warning,
    as it may be deployed already or later."""
    known = {key for name, xml in files.items() if is_decision(name) for key in read_decisions(xml).decisions}
    for node in model.nodes.values():
        call = node.camunda.decision
        if (
            call is None
            or not call.reference.literal
            or call.reference.text in known
            and call.binding in ("latest", "deployment")
        ):
            continue
        values = {"decision": call.reference.text, "binding": " ".join(filter(None, (call.binding, call.wanted)))}
        if call.binding == "deployment":
            yield Finding("diagram_decision_unknown", "error", node.id, f"{path}:{node.line}", values)
        else:
            yield Finding("diagram_decision_later", "warning", node.id, f"{path}:{node.line}", values)
