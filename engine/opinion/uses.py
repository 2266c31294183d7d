"""What the expressions of a process ask for: each variable by its path, and how it is used. Values are chosen by it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from engine.expressions import Expression, Template
from engine.expressions.reading import read_tree, split_wrapped
from engine.model import Definition, MultiInstance, Node, StandardLoop, called_processes
from engine.moments import is_plain

Path = tuple[str, ...]

NUMERIC = frozenset(("abs", "round", "int"))
LISTS = frozenset(("len", "sum", "min", "max", "any", "all"))


@dataclass(slots=True)
class Use:
    """How one variable (or one entry of a mapping) is used. `kinds` are `truth`, `number`, `count`, `list`, `numbers`, `text` and
    the kinds of timers; `literals` what it is compared with, `members` what is looked for in it.
    """

    kinds: set[str] = field(default_factory=set)
    literals: list[Any] = field(default_factory=list)
    members: list[Any] = field(default_factory=list)
    fields: dict[str, Use] = field(default_factory=dict)  # of a mapping
    items: Use | None = None  # of a list

    def at(self, path: Path) -> Use:
        """The use of an entry further in."""
        use = self
        for name in path:
            use = use.fields.setdefault(name, Use())
        return use


@dataclass(slots=True)
class Uses:
    """All uses in one process. `variables` is the mapping of all variables; `results` are names that instances of a
    multi-instance activity write for its output collection.
    """

    variables: Use = field(default_factory=Use)
    results: list[str] = field(default_factory=list)
    items: dict[str, Use] = field(default_factory=dict)  # the item variables of multi-instance activities


def collect_uses(definition: Definition, process_id: str) -> Uses:
    """The uses of all variables in a process and in those that it calls, which may see what it sees."""
    uses, processes = Uses(), called_processes(definition, process_id)
    nodes = [node for node in definition.nodes.values() if node.process in processes]
    for node in nodes:
        if isinstance(node.loop, MultiInstance) and node.loop.item:
            uses.items.setdefault(node.loop.item, Use())
    reader = _Reader(uses)
    for node in nodes:
        for text, kind in _texts(node):
            for source in _expressions(text):
                reader.read(source, kind)
        if isinstance(node.loop, MultiInstance):
            reader.connect(node.loop)
    return uses


def _texts(node: Node) -> Iterator[tuple[str, str]]:
    """Every text of a node that kernels evaluate, and what its value is used for."""
    wanted: list[tuple[Expression | Template | None, str]] = [(flow.condition, "truth") for flow in node.outgoing]
    for event in node.events:
        wanted.append((event.condition, "truth"))
        if event.timer is not None:
            plain = is_plain(event.timer.text) and event.timer.kind != "timeDate"
            wanted.append((event.timer.value, "count" if plain else event.timer.kind))
    wanted += [(node.activation, "truth"), (node.completion, "truth")]
    if isinstance(node.loop, StandardLoop):
        wanted.append((node.loop.condition, "truth"))
    elif isinstance(node.loop, MultiInstance):
        wanted += [(node.loop.cardinality, "count"), (node.loop.collection, "list"), (node.loop.completion, "truth")]
        wanted += [(behavior.condition, "truth") for behavior in node.loop.behaviors]
    mappings = [node.camunda.inputs, node.camunda.outputs]
    mappings += [] if node.call is None else [node.call.inputs, node.call.outputs]
    for mapping in mappings:
        wanted += [(template, "text") for template in (mapping or {}).values()]
    return ((each.text, kind) for each, kind in wanted if each is not None)


def _expressions(text: str) -> Iterator[str]:
    """The expressions of a text: itself, or the parts in `${…}`; an ISO 8601 timer text has none but such parts."""
    parts = list(split_wrapped(text))
    if not any(wrapped for _, _, wrapped in parts) and not is_plain(text):
        yield text
    for begin, end, wrapped in parts:
        if wrapped:
            yield text[begin:end]


class _Reader:
    """Walks syntax trees and notes the uses."""

    def __init__(self, uses: Uses) -> None:
        self.uses = uses

    def use(self, path: Path) -> Use:
        """The use of a path; item variables of multi-instance activities are kept apart."""
        item = self.uses.items.get(path[0])
        return self.uses.variables.at(path) if item is None else item.at(path[1:])

    def read(self, text: str, kind: str) -> None:
        """One expression whose value is used as `kind`."""
        self.visit(read_tree(text)[0], kind)

    def connect(self, loop: MultiInstance) -> None:
        """The items of a collection are what the item variable is used as; results are collected as numbers."""
        if loop.output_item:
            self.uses.results.append(loop.output_item)
        if loop.collection is None or not loop.item:
            return
        for source in _expressions(loop.collection.text):
            path = _path(read_tree(source)[0])
            if path:
                self.use(path).items = self.uses.items[loop.item]

    def visit(self, node: ast.AST, kind: str) -> None:
        """Note what a node asks for, its value being used as `kind`."""
        path = _path(node)
        if path is not None:
            self.use(path).kinds.add(kind)
        elif isinstance(node, ast.BoolOp):
            for value in node.values:
                self.visit(value, "truth")
        elif isinstance(node, ast.UnaryOp):
            self.visit(node.operand, "truth" if isinstance(node.op, ast.Not) else "number")
        elif isinstance(node, ast.BinOp):
            self.visit(node.left, "number")
            self.visit(node.right, "number")
        elif isinstance(node, ast.IfExp):
            self.visit(node.test, "truth")
            self.visit(node.body, kind)
            self.visit(node.orelse, kind)
        elif isinstance(node, ast.Compare):
            self.compare(node)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            self.call(node.func.id, node.args)
        elif isinstance(node, ast.Subscript):
            self.visit(node.value, "list")
            self.visit(node.slice, "number")
        else:
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.expr):
                    self.visit(child, kind)

    def compare(self, node: ast.Compare) -> None:
        """Both sides tell what the other may be."""
        sides = [node.left, *node.comparators]
        for left, operator, right in zip(sides, node.ops, sides[1:], strict=False):
            if isinstance(operator, ast.In | ast.NotIn):
                self.relate(left, _literal(right), many=True)
                self.contain(right, left)
                continue
            ordered = not isinstance(operator, ast.Eq | ast.NotEq)
            self.relate(left, _literal(right), ordered=ordered)
            self.relate(right, _literal(left), ordered=ordered)

    def relate(self, node: ast.AST, literal: tuple[Any] | None, *, many: bool = False, ordered: bool = False) -> None:
        """A node is compared with a literal, with one of several, or with something that is no literal."""
        path = _path(node)
        if path is None:
            self.visit(node, "number" if ordered else "text")
        elif literal is None:
            self.use(path).kinds.add("number" if ordered else "text")
        else:
            self.use(path).literals += literal[0] if many and isinstance(literal[0], list) else list(literal)

    def contain(self, container: ast.AST, item: ast.AST) -> None:
        """`item in container`."""
        path = _path(container)
        if path is not None:
            literal = _literal(item)
            self.use(path).kinds.add("list")
            self.use(path).members += list(literal or ())
        elif _literal(container) is None:
            self.visit(container, "list")

    def call(self, name: str, arguments: list[ast.expr]) -> None:
        """A function tells what its arguments are."""
        if name == "contains" and len(arguments) == 2:
            self.contain(arguments[0], arguments[1])
            self.relate(arguments[1], None)
        elif name in LISTS and len(arguments) == 1:
            self.visit(arguments[0], "list" if name in ("len", "any", "all") else "numbers")
        else:
            for argument in arguments:
                self.visit(argument, "number" if name in NUMERIC or name in LISTS else "text")


def _path(node: ast.AST) -> Path | None:
    """`a.b["c"]` as a path; None for anything else."""
    if isinstance(node, ast.Name):
        return None if node.id in ("true", "false", "null") else (node.id,)
    if isinstance(node, ast.Attribute):
        inner = _path(node.value)
        return None if inner is None else (*inner, node.attr)
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
        inner = _path(node.value)
        return None if inner is None else (*inner, node.slice.value)
    return None


def _literal(node: ast.AST) -> tuple[Any] | None:
    """A literal value in a tuple of one; None for anything else."""
    if isinstance(node, ast.Name):
        return {"true": (True,), "false": (False,), "null": (None,)}.get(node.id)
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    return (list(value) if isinstance(value, tuple) else value,)
