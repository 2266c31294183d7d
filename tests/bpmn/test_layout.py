"""The diagrams as drawings: any modeler opens them, and nothing lies on anything else."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from itertools import combinations

import pytest
from lxml import etree

NS = {
    "bpmn": "http://www.omg.org/spec/BPMN/20100524/MODEL",
    "bpmndi": "http://www.omg.org/spec/BPMN/20100524/DI",
    "dc": "http://www.omg.org/spec/DD/20100524/DC",
    "di": "http://www.omg.org/spec/DD/20100524/DI",
}
DIAGRAMS = sorted(
    (f"{folder.name}/{file.name}", file.read_bytes())
    for folder in resources.files("bpmn").iterdir()
    if folder.is_dir()
    for file in folder.iterdir()
    if file.name.endswith(".bpmn")
)
every_diagram = pytest.mark.parametrize("xml", [xml for _, xml in DIAGRAMS], ids=[name for name, _ in DIAGRAMS])


@dataclass(frozen=True)
class Box:
    """A rectangle of the drawing."""

    name: str
    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    def overlaps(self, other: Box) -> bool:
        return self.x < other.right and other.x < self.right and self.y < other.bottom and other.y < self.bottom

    def holds(self, other: Box) -> bool:
        return self.x <= other.x and other.right <= self.right and self.y <= other.y and other.bottom <= self.bottom

    def holds_point(self, x: float, y: float) -> bool:
        return self.x < x < self.right and self.y < y < self.bottom

    def has_on_border(self, x: float, y: float) -> bool:
        across = self.x <= x <= self.right and (y in (self.y, self.bottom))
        along = self.y <= y <= self.bottom and (x in (self.x, self.right))
        return across or along


class Drawing:
    """What a diagram draws, by element id."""

    def __init__(self, xml: bytes) -> None:
        self.root = etree.fromstring(xml)
        named = [element for element in self.root.iter() if isinstance(element.tag, str) and element.get("id")]
        self.elements = {str(element.get("id")): element for element in named}
        self.shapes: dict[str, Box] = {}
        self.labels: dict[str, Box] = {}
        self.edges: dict[str, list[tuple[float, float]]] = {}
        for shape in self.root.iterfind(".//bpmndi:BPMNShape", NS):
            self.shapes[shape.get("bpmnElement", "")] = self._box(shape)
        for edge in self.root.iterfind(".//bpmndi:BPMNEdge", NS):
            points = [(float(p.get("x", "")), float(p.get("y", ""))) for p in edge.iterfind("di:waypoint", NS)]
            self.edges[edge.get("bpmnElement", "")] = points
        for part in self.root.iterfind(".//bpmndi:BPMNLabel/..", NS):
            label = part.find("bpmndi:BPMNLabel", NS)
            assert label is not None
            self.labels[part.get("bpmnElement", "")] = self._box(label)

    def _box(self, shape: etree._Element) -> Box:
        bounds = shape.find("dc:Bounds", NS)
        assert bounds is not None
        numbers = [float(bounds.get(key, "")) for key in ("x", "y", "width", "height")]
        return Box(shape.get("bpmnElement") or "label", *numbers)

    def kind(self, name: str) -> str:
        return str(etree.QName(self.elements[name]).localname)

    @property
    def nodes(self) -> dict[str, Box]:
        """Shapes of flow nodes, without pools and lanes."""
        return {name: box for name, box in self.shapes.items() if self.kind(name) not in ("participant", "lane")}

    def host(self, name: str) -> str | None:
        """The activity that a boundary event sits on."""
        return self.elements[name].get("attachedToRef")

    def parent(self, name: str) -> str:
        return str(self.elements[name].getparent().get("id"))  # type: ignore[union-attr]


@every_diagram
def test_everything_is_drawn_once_and_nothing_else(xml: bytes) -> None:
    drawing = Drawing(xml)
    flows = {name for name in drawing.elements if drawing.kind(name) == "sequenceFlow"}
    drawn = ("participant", "lane", "subProcess", "Task", "Event", "Gateway")
    nodes = {
        name for name in drawing.elements if drawing.kind(name).endswith(drawn) and not drawing.kind(name).startswith("BPMN")
    }
    assert set(drawing.edges) == flows
    assert set(drawing.shapes) == nodes


@every_diagram
def test_one_executable_process_in_one_pool_with_lanes(xml: bytes) -> None:
    root = Drawing(xml).root
    (process,) = root.findall("bpmn:process", NS)
    (participant,) = root.findall("bpmn:collaboration/bpmn:participant", NS)
    assert process.get("isExecutable") == "true"
    assert participant.get("processRef") == process.get("id")
    in_lanes = [reference.text for reference in root.iterfind(".//bpmn:flowNodeRef", NS)]
    outer = [
        node.get("id") for node in process if etree.QName(node).localname not in ("laneSet", "sequenceFlow", "documentation")
    ]
    assert sorted(map(str, in_lanes)) == sorted(map(str, outer))


@every_diagram
def test_shapes_do_not_overlap(xml: bytes) -> None:
    drawing = Drawing(xml)
    for one, other in combinations(drawing.nodes.values(), 2):
        nested = drawing.parent(one.name) == other.name or drawing.parent(other.name) == one.name
        attached = drawing.host(one.name) == other.name or drawing.host(other.name) == one.name
        assert nested or attached or not one.overlaps(other), (one, other)


@every_diagram
def test_labels_lie_free(xml: bytes) -> None:
    drawing = Drawing(xml)
    for name, label in drawing.labels.items():
        for node in drawing.nodes.values():
            around = drawing.kind(node.name) == "subProcess" and node.holds(label)
            assert around or not label.overlaps(node), (name, label, node)
    for one, other in combinations(drawing.labels.items(), 2):
        assert not one[1].overlaps(other[1]), (one, other)
    for name, points in drawing.edges.items():
        for begin, end in zip(points, points[1:], strict=False):
            segment = Box(name, min(begin[0], end[0]), min(begin[1], end[1]), abs(end[0] - begin[0]), abs(end[1] - begin[1]))
            for owner, label in drawing.labels.items():
                assert not label.overlaps(segment), (name, owner)


@every_diagram
def test_flows_run_straight_from_border_to_border_past_other_shapes(xml: bytes) -> None:
    drawing = Drawing(xml)
    for name, points in drawing.edges.items():
        flow = drawing.elements[name]
        source, target = drawing.shapes[flow.get("sourceRef", "")], drawing.shapes[flow.get("targetRef", "")]
        assert source.has_on_border(*points[0]), (name, points[0], source)
        assert target.has_on_border(*points[-1]), (name, points[-1], target)
        for begin, end in zip(points, points[1:], strict=False):
            assert begin[0] == end[0] or begin[1] == end[1], name
            segment = Box(name, min(begin[0], end[0]), min(begin[1], end[1]), abs(end[0] - begin[0]), abs(end[1] - begin[1]))
            for node in drawing.nodes.values():
                own = node.name in (source.name, target.name, drawing.host(source.name))
                assert own or node.holds(segment) or not node.overlaps(segment), (name, node)


@every_diagram
def test_lanes_fill_the_pool_and_hold_their_nodes(xml: bytes) -> None:
    drawing = Drawing(xml)
    (pool,) = [box for name, box in drawing.shapes.items() if drawing.kind(name) == "participant"]
    lanes = [box for name, box in drawing.shapes.items() if drawing.kind(name) == "lane"]
    assert sum(lane.height for lane in lanes) == pool.height
    assert {(lane.x, lane.right) for lane in lanes} == {(pool.x + 30, pool.right)}
    for one, other in combinations(lanes, 2):
        assert not one.overlaps(other)
    for lane in lanes:
        for reference in drawing.elements[lane.name].iterfind("bpmn:flowNodeRef", NS):
            box = drawing.nodes[str(reference.text)]
            x, y = box.x + box.width / 2, box.y + box.height / 2
            spans_lanes = drawing.kind(box.name) == "subProcess" and lane.holds_point(x, box.y + 1) and pool.holds_point(x, y)
            assert lane.holds(box) or spans_lanes, box
    for node in drawing.nodes.values():
        host = drawing.host(node.name)
        if host is not None:
            assert drawing.nodes[host].has_on_border(node.x + node.width / 2, node.y + node.height / 2), node
        elif drawing.kind(drawing.parent(node.name)) == "subProcess":
            assert drawing.nodes[drawing.parent(node.name)].holds(node), node


@every_diagram
def test_it_reads_from_left_to_right_except_for_corrections_and_rounds(xml: bytes) -> None:
    drawing = Drawing(xml)
    back = set()
    for name in drawing.edges:
        flow = drawing.elements[name]
        source, target = drawing.shapes[flow.get("sourceRef", "")], drawing.shapes[flow.get("targetRef", "")]
        if target.x + target.width / 2 < source.x + source.width / 2:
            back.add(source.name)
    assert back <= {"correct", "supplement", "what_next", "tell_published"}  # the last two: one publication after another


@every_diagram
def test_people_see_names(xml: bytes) -> None:
    drawing = Drawing(xml)
    for name, element in drawing.elements.items():
        if drawing.kind(name).endswith("Task") or drawing.kind(name) in ("participant", "lane", "subProcess", "boundaryEvent"):
            text = element.get("name") or ""
            assert any("\u4e00" <= character <= "\u9fff" for character in text), name
