"""Which data tell whom a message is for: correlation keys (BPMN 2.0.2, 8.4.2), and variables that a waiting element names.

A key has properties; each property says for every message where its value stands in the message (`messagePath`). A process that
subscribes to a key says where the values stand in its own data (`dataPath`, context-based correlation). A process that only
takes part in a collaboration or conversation with the key gets the values from the first message that it sends or receives
(key-based).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from lxml import etree

from engine.expressions import Expression
from engine.model.definition import Correlation
from engine.model.report import BPMN, Report, child_text, local_name

CONVERSATIONS = ("subConversation", "callConversation", "globalConversation")
"""Conversations whose keys are not read: they would have to be found in other conversations."""


class CorrelationReader:
    """Reads the keys of one file. `messages` are the names of messages by id."""

    def __init__(self, root: etree._Element, report: Report, messages: Mapping[str, str]) -> None:
        self.root, self.report, self.messages = root, report, messages
        self.keys = {each.get("id", ""): each for each in root.iter(BPMN + "correlationKey")}
        self.properties = {each.get("id", ""): each for each in root.iter(BPMN + "correlationProperty")}
        self.paths = {key: dict(self._read_paths(each)) for key, each in self.properties.items()}
        for kind in CONVERSATIONS:
            for element in root.iter(BPMN + kind):
                if element.find(BPMN + "correlationKey") is not None:
                    report.fault("diagram_correlation_place", element, kind=kind)

    def read(self, process: etree._Element) -> tuple[Correlation, ...]:
        """The keys of a process: those that it subscribes to, then those of the conversations that it takes part in."""
        found: dict[str, Correlation] = {}
        for element in process.findall(BPMN + "correlationSubscription"):
            key = self._refer(self.keys, element, "correlationKeyRef", element.get("correlationKeyRef", ""))
            if key is not None:
                found[key] = self._correlation(key, None, self._read_bindings(element, key))
        for key, elements in self._conversations(process.get("id", "")):
            if key not in found:
                found[key] = self._correlation(key, elements, None)
        return tuple(found.values())

    # ---- parts -------------------------------------------------------------------------------------------------------
    def _refer(self, known: Mapping[str, etree._Element], element: etree._Element, attribute: str, text: str) -> str | None:
        reference = text.strip().split(":")[-1]
        if reference in known:
            return reference
        self.report.fault("diagram_reference_unknown", element, attribute=attribute, reference=reference)
        return None

    def _read_paths(self, element: etree._Element) -> Iterator[tuple[str, Expression]]:
        """(message name, where the value stands in it)"""
        for retrieval in element.findall(BPMN + "correlationPropertyRetrievalExpression"):
            reference = (retrieval.get("messageRef") or "").split(":")[-1]
            text = child_text(retrieval, "messagePath")
            path = self.report.expression(text, retrieval, "messagePath", at=element.get("id"))
            if text is None:
                self.report.fault("diagram_correlation_path", retrieval, at=element.get("id"))
            elif reference not in self.messages:
                values = {"attribute": "messageRef", "reference": reference}
                self.report.fault("diagram_reference_unknown", retrieval, at=element.get("id"), **values)
            elif path is not None:
                yield self.messages[reference], path

    def _names(self, key: str) -> list[str]:
        """The ids of the properties of a key."""
        references = [each for each in self.keys[key].findall(BPMN + "correlationPropertyRef")]
        found = [self._refer(self.properties, self.keys[key], "correlationPropertyRef", each.text or "") for each in references]
        if not references:
            self.report.fault("diagram_correlation_empty", self.keys[key])
        return [each for each in found if each is not None]

    def _read_bindings(self, subscription: etree._Element, key: str) -> dict[str, Expression]:
        """Where the values of the properties stand in the process."""
        found: dict[str, Expression] = {}
        for binding in subscription.findall(BPMN + "correlationPropertyBinding"):
            text = binding.get("correlationPropertyRef", "")
            name = self._refer(self.properties, binding, "correlationPropertyRef", text)
            path = self.report.expression(child_text(binding, "dataPath"), binding, "dataPath", at=subscription.get("id"))
            if name is not None and path is not None:
                found[name] = path
        for name in self._names(key):
            if name not in found:
                self.report.fault("diagram_correlation_binding", subscription, property=name)
        return found

    def _correlation(self, key: str, elements: frozenset[str] | None, bindings: Mapping[str, Expression] | None) -> Correlation:
        names = self._names(key)
        shown = {name: self.properties[name].get("name") or name for name in names}
        told = set.intersection(*({*self.paths[name]} for name in names)) if names else set()
        if not told:
            self.report.warn("diagram_correlation_unused", self.keys[key])
        paths = {message: MappingProxyType({shown[name]: self.paths[name][message] for name in names}) for message in told}
        own = None if bindings is None else {shown[name]: bindings[name] for name in names if name in bindings}
        return Correlation(key, MappingProxyType(paths), own, elements)

    def _conversations(self, process: str) -> Iterator[tuple[str, frozenset[str] | None]]:
        """(key, the elements whose messages belong to it; None: all) of what the process takes part in."""
        for collaboration in self.root.iter(BPMN + "collaboration"):
            participants = {
                each.get("id")
                for each in collaboration.findall(BPMN + "participant")
                if (each.get("processRef") or "").split(":")[-1] == process
            }
            flows = {each.get("id"): each for each in collaboration.findall(BPMN + "messageFlow")}
            for holder in (collaboration, *collaboration.findall(BPMN + "conversation")):
                if not participants or not self._takes_part(holder, participants):
                    continue
                elements = self._elements(holder, flows)
                for key in holder.findall(BPMN + "correlationKey"):
                    yield key.get("id", ""), elements

    @staticmethod
    def _takes_part(holder: etree._Element, participants: set[str | None]) -> bool:
        references = {(each.text or "").strip().split(":")[-1] for each in holder.findall(BPMN + "participantRef")}
        return local_name(holder) == "collaboration" or not references or bool(references & participants)

    def _elements(self, holder: etree._Element, flows: Mapping[str | None, etree._Element]) -> frozenset[str] | None:
        """The ends of the message flows that a conversation names; None when it names none."""
        references = [(each.text or "").strip().split(":")[-1] for each in holder.findall(BPMN + "messageFlowRef")]
        for reference in references:
            if reference not in flows:
                self.report.fault("diagram_reference_unknown", holder, attribute="messageFlowRef", reference=reference)
        named = [flows[each] for each in references if each in flows]
        ends = [flow.get(name, "").split(":")[-1] for flow in named for name in ("sourceRef", "targetRef")]
        return frozenset(ends) if references else None


def read_correlate(node_id: str, text: str, element: etree._Element, report: Report) -> Correlation:
    """The property `correlate` of a waiting element: the variables whose values a sender states to reach it."""
    found = {name: report.expression(name, element, "correlate", at=node_id) for name in text.split()}
    bindings = {name: each for name, each in found.items() if each is not None}
    return Correlation(f"correlate {node_id}", MappingProxyType({}), bindings, frozenset((node_id,)), stated=True)
