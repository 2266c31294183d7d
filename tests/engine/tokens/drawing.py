"""Diagrams drawn in a few lines of text.

    start s
    user a
    boundary late on=a timer=PT1H
    end e
    s -> a -> e
    late -> e : x > 1          # a condition; `=>` draws the default flow

Elements: start end user manual task service script send receive call catch throw boundary xor and or complex events, and
with `{` … `}` around what is inside: sub transaction adhoc esub process. Options as below in `ELEMENTS` and `_definitions`.
"""

from __future__ import annotations

import shlex
from xml.sax.saxutils import escape, quoteattr

from engine.model import Definition, read_diagram

SCOPES = """
start s
user apply
sub p1 {
  start i
  user a
  sub p2 {
    start k
    user b
    k -> b
  }
  i -> a -> p2
}
boundary t on=p1 timer=P1D
user late
user after
s -> apply -> p1 -> after
t -> late
"""
"""Sub-processes in each other, with a timer beside the outer one."""
FORK = """
start s
and f
and j
user apply
user a1
user a2
user b1
user b2
user last
s -> apply -> f
f -> a1 -> a2 -> j
f -> b1 -> b2 -> j
j -> last
"""
"""Two branches of two steps each."""

ELEMENTS = {
    "start": "startEvent", "end": "endEvent", "catch": "intermediateCatchEvent", "throw": "intermediateThrowEvent",
    "boundary": "boundaryEvent", "user": "userTask", "manual": "manualTask", "task": "task", "service": "serviceTask",
    "script": "scriptTask", "send": "sendTask", "receive": "receiveTask", "call": "callActivity", "xor": "exclusiveGateway",
    "and": "parallelGateway", "or": "inclusiveGateway", "complex": "complexGateway", "events": "eventBasedGateway",
    "sub": "subProcess", "transaction": "transaction", "adhoc": "adHocSubProcess", "esub": "subProcess",
    "process": "process",
}  # fmt: skip
CAMUNDA = "http://camunda.org/schema/1.0/bpmn"


def _timer(text: str) -> str:
    kind = "timeCycle" if text.startswith("R") else "timeDuration" if text.startswith("P") else "timeDate"
    return f"<timerEventDefinition><{kind}>{escape(text)}</{kind}></timerEventDefinition>"


class _Drawing:
    def __init__(self, text: str) -> None:
        self.top: dict[str, str] = {}  # messages, signals, errors, escalations
        self.flows = 0
        lines = [
            line.split("#", 1)[0].strip() if not line.strip().startswith("<") else line.strip() for line in text.splitlines()
        ]
        self.lines = [line for line in lines if line]
        body = self._block()
        if "<process " not in body:
            body = f'<process id="p" isExecutable="true">{body}</process>'
        self.xml = (
            '<?xml version="1.0" encoding="UTF-8"?><definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" '
            f'xmlns:camunda="{CAMUNDA}" id="d" targetNamespace="t">{"".join(self.top.values())}{body}</definitions>'
        ).encode()

    def _block(self) -> str:
        parts: list[str] = []
        while self.lines:
            line = self.lines.pop(0)
            if line == "}":
                break
            parts.append(self._line(line))
        return "".join(parts)

    def _line(self, line: str) -> str:
        if line.startswith("<"):
            return line
        if " -> " in line or " => " in line:
            return self._flow(line)
        words = shlex.split(line)
        if words[0] == "undo":
            return f'<association id="a_{words[1]}" sourceRef="{words[1]}" targetRef="{words[2]}"/>'
        inside = self._block() if words[-1] == "{" else ""
        kind, element_id = words[0], words[1]
        options = {word.partition("=")[0]: word.partition("=")[2] for word in words[2:] if word != "{"}
        return self._element(kind, element_id, options, inside)

    def _flow(self, line: str) -> str:
        chain, _, condition = line.partition(" : ")
        words = chain.split()
        out = []
        for source, arrow, target in zip(words[::2], words[1::2], words[2::2], strict=False):
            self.flows += 1
            inner = f"<conditionExpression>{escape(condition.strip())}</conditionExpression>" if condition else ""
            name = f"{source}_{target}"
            out.append(f'<sequenceFlow id="{name}" sourceRef="{source}" targetRef="{target}">{inner}</sequenceFlow>')
            if arrow == "=>":
                out.append(f"<!--default {source} {name}-->")
        return "".join(out)

    def _ref(self, kind: str, name: str) -> str:
        element_id = f"{kind}_{name}"
        code = f' {kind}Code="{name}"' if kind in ("error", "escalation") else ""
        self.top[element_id] = f'<{kind} id="{element_id}" name="{name}"{code}/>'
        return f'{kind}Ref="{element_id}"'

    def _definitions(self, options: dict[str, str]) -> str:
        """timer= message= signal= error= escalation= (also empty) when= link= compensate= cancel terminate handler="""
        out = []
        handler = f' camunda:delegateExpression="${{{options["handler"]}}}"' if "handler" in options else ""
        for name, value in options.items():
            if name == "timer":
                out.append(_timer(value))
            elif name in ("message", "signal", "error", "escalation"):
                for each in value.split(",") if value else [""]:
                    ref = self._ref(name, each) if each else ""
                    out.append(f"<{name}EventDefinition {ref}{handler if name == 'message' else ''}/>")
            elif name == "when":
                out.append(f"<conditionalEventDefinition><condition>{escape(value)}</condition></conditionalEventDefinition>")
            elif name == "link":
                out.append(f'<linkEventDefinition name="{value}"/>')
            elif name == "compensate":
                target = f' activityRef="{value}"' if value else ""
                wait = ' waitForCompletion="false"' if "nowait" in options else ""
                out.append(f"<compensateEventDefinition{target}{wait}/>")
            elif name in ("cancel", "terminate"):
                out.append(f"<{name}EventDefinition/>")
        return "".join(out)

    def _loop(self, options: dict[str, str]) -> str:
        """loop= max= first, and mi=collection:item count= seq until= out=variable:item"""
        if "loop" in options or "max" in options:
            attributes = (f' loopMaximum="{options["max"]}"' if "max" in options else "") + ' testBefore="true"' * (
                "first" in options
            )
            inner = f"<loopCondition>{escape(options['loop'])}</loopCondition>" if "loop" in options else ""
            return f"<standardLoopCharacteristics{attributes}>{inner}</standardLoopCharacteristics>"
        if "mi" not in options and "count" not in options:
            return ""
        inner = f"<loopCardinality>{escape(options['count'])}</loopCardinality>" if "count" in options else ""
        if "mi" in options:
            collection, _, item = options["mi"].partition(":")
            inner += f"<loopDataInputRef>{collection}</loopDataInputRef>"
        out = options.get("out", "").split(":")
        if len(out) == 2:
            inner += f"<loopDataOutputRef>{out[0]}</loopDataOutputRef>"
        if "mi" in options:
            inner += f'<inputDataItem id="in_{item}" name="{item}"/>'
        if len(out) == 2:
            inner += f'<outputDataItem id="out_{out[1]}" name="{out[1]}"/>'
        if "until" in options:
            inner += f"<completionCondition>{escape(options['until'])}</completionCondition>"
        flag = ' isSequential="true"' if "seq" in options else ""
        return f"<multiInstanceLoopCharacteristics{flag}>{inner}</multiInstanceLoopCharacteristics>"

    def _element(self, kind: str, element_id: str, options: dict[str, str], inside: str) -> str:
        attributes = {"id": element_id}
        tag = ELEMENTS[kind]
        if kind == "process":
            attributes["isExecutable"] = options.get("executable", "true")
        if kind == "boundary":
            attributes["attachedToRef"] = options["on"]
        if kind == "boundary" and "keep" in options:
            attributes["cancelActivity"] = "false"
        if kind == "start" and "keep" in options:
            attributes["isInterrupting"] = "false"
        if kind == "esub":
            attributes["triggeredByEvent"] = "true"
        if "all" in options:
            attributes["parallelMultiple"] = "true"
        if "undoes" in options:
            attributes["isForCompensation"] = "true"
        if kind == "call":
            attributes["calledElement"] = options["calls"]
        for name, attribute in (("tokens", "startQuantity"), ("sends", "completionQuantity"), ("order", "ordering")):
            if name in options:
                attributes[attribute] = options[name]
        for name in ("instantiate", "eventGatewayType", "camunda:assignee", "camunda:candidateGroups", "camunda:collection"):
            if name in options:
                attributes[name] = options[name]
        extensions = self._extensions(options)
        if kind in ("send", "receive") and options.get("message"):
            attributes["messageRef"] = f"message_{options['message']}"
            self._ref("message", options["message"])
        if "handler" in options and kind in ("service", "send"):
            attributes["camunda:delegateExpression"] = f"${{{options['handler']}}}"
        inner = extensions
        if tag.endswith("Event"):
            inner += self._definitions(options)
        inner += self._loop(options) + inside
        if kind == "script":
            inner += f"<script>{escape(options.get('text', 'pass'))}</script>"
        if kind == "complex" and "when" in options:
            inner += f"<activationCondition>{escape(options['when'])}</activationCondition>"
        if kind == "adhoc" and "until" in options:
            inner += f"<completionCondition>{escape(options['until'])}</completionCondition>"
        return f"<{tag} {' '.join(f'{k}={quoteattr(v)}' for k, v in attributes.items())}>{inner}</{tag}>"

    @staticmethod
    def _extensions(options: dict[str, str]) -> str:
        """in=name:text in2=… and out=name:text of an input/output mapping; a call activity has give= and take=."""
        inner = ""
        for name, value in options.items():
            target, _, text = value.partition(":")
            if name.startswith("input"):
                inner += f'<camunda:inputParameter name="{target}">{escape(text)}</camunda:inputParameter>'
            elif name.startswith("output"):
                inner += f'<camunda:outputParameter name="{target}">{escape(text)}</camunda:outputParameter>'
        inner = f"<camunda:inputOutput>{inner}</camunda:inputOutput>" if inner else ""
        if "give" in options:
            inner += "".join(f'<camunda:in source="{each}" target="{each}"/>' for each in options["give"].split(","))
        if "take" in options:
            inner += "".join(f'<camunda:out source="{each}" target="{each}"/>' for each in options["take"].split(","))
        return f"<extensionElements>{inner}</extensionElements>" if inner else ""


def draw(text: str) -> bytes:
    """The BPMN file of a drawing in words."""
    xml = _Drawing(text).xml.decode()
    for part in xml.split("<!--default ")[1:]:
        source, name = part.split("-->", 1)[0].split()
        xml = xml.replace(f'id="{source}"', f'id="{source}" default="{name}"', 1)
    return xml.encode()


def read(text: str) -> Definition:
    """The definition of a drawing; fails with the findings when it is refused."""
    result = read_diagram(draw(text), name="drawn")
    assert result.definition is not None, result.findings
    return result.definition
