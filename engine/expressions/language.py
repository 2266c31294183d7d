"""The whitelist: every node of the syntax tree that the language has, and the closure it becomes."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from typing import Any

from engine.errors import Finding
from engine.expressions import values
from engine.expressions.problems import ExpressionFailed, ExpressionRefused, VariableMissing
from engine.expressions.reading import read_tree, refuse
from engine.expressions.values import FUNCTIONS, Fault

Code = Callable[[Mapping[str, Any]], Any]

CONSTANTS = {"true": True, "false": False, "null": None}
"""JSON's spellings beside Python's `True`, `False`, `None`; they cannot be names of variables."""

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: values.add,
    ast.Sub: values.subtract,
    ast.Mult: values.multiply,
    ast.Div: values.divide,
    ast.FloorDiv: values.divide_whole,
    ast.Mod: values.remainder,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda item, container: values.contains(container, item),
    ast.NotIn: lambda item, container: not values.contains(container, item),
}
_ARITHMETIC = {ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%"}
_SIGNS: dict[type[ast.AST], str] = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
_INSTEAD: dict[type[ast.AST], tuple[str, str]] = {
    ast.Is: ("is", "=="),
    ast.IsNot: ("is not", "!="),
    ast.BitAnd: ("&", "and"),
    ast.BitOr: ("|", "or"),
    ast.Invert: ("~", "not"),
    ast.Pow: ("**", "a * a"),
    ast.Set: ("{…}", "[…]"),
    ast.Slice: ("[a:b]", "[index]"),
    ast.JoinedStr: ("f'…'", "'…' + str(x)"),
}


class Expression:
    """A compiled expression: immutable, shared by all threads.

    `text` is what the designer wrote, `names` the variables it may ask for (functions and constants left out).
    """

    __slots__ = ("_code", "names", "text")

    def __init__(self, text: str, names: frozenset[str], code: Code) -> None:
        self.text = text
        self.names = names
        self._code = code

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def evaluate(self, variables: Mapping[str, Any]) -> Any:
        """The value with these variables: a JSON value (tuples are lists).

        Raises `VariableMissing` when a variable or key that is needed is not there, `ExpressionFailed` for everything else
        that these values do not allow.
        """
        try:
            return self._code(variables)
        except RecursionError:  # comparing data nested some hundred levels deep
            raise ExpressionFailed(text=self.text, position=1, reason=Finding("expression_too_deep")) from None


@lru_cache(maxsize=2048)
def parse(text: str) -> Expression:
    """Read and check an expression, plain or wrapped in `${…}` or `#{…}`.

    Raises `ExpressionRefused` with the place and what to write instead.
    """
    tree, bare, offset = read_tree(text)
    compiler = _Compiler(text, bare, offset)
    code = compiler.compile(tree, 0)
    return Expression(text, frozenset(compiler.names), code)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a node stands, for what happens when it is evaluated."""

    text: str
    position: int
    source: str

    def missing(self) -> VariableMissing:
        return VariableMissing(text=self.text, position=self.position, name=self.source)

    def failed(self, code: str, **details: Any) -> ExpressionFailed:
        return ExpressionFailed(text=self.text, position=self.position, reason=Finding(code, values=details))

    def faulty(self, fault: Fault) -> ExpressionFailed:
        return self.failed(fault.code, **fault.values)


class _Compiler:
    """Turns one syntax tree into closures; a node without a method here is not part of the language."""

    def __init__(self, text: str, bare: str, offset: int) -> None:
        self.text = text
        self.encoded = bare.encode()
        self.offset = offset
        self.nodes = 0
        self.names: set[str] = set()

    def compile(self, node: ast.expr, depth: int) -> Code:
        self.nodes += 1
        if self.nodes > values.MAX_NODES:
            raise self.refuse(node, "expression_too_long", limit=values.MAX_NODES)
        if depth > values.MAX_DEPTH:
            raise self.refuse(node, "expression_too_deep")
        method: Callable[[ast.expr, int], Code] | None = getattr(self, f"compile_{type(node).__name__}", None)
        if method is None:
            raise self.refuse_node(node, node)
        return method(node, depth + 1)

    def place(self, node: ast.expr) -> _Place:
        begin = len(self.encoded[: node.col_offset].decode())
        source = self.encoded[node.col_offset : node.end_col_offset].decode()
        return _Place(self.text, self.offset + begin + 1, source)

    def refuse(self, node: ast.expr, code: str, **details: object) -> ExpressionRefused:
        return refuse(self.text, self.place(node).position - 1, code, **details)

    def refuse_node(self, node: ast.expr, what: ast.AST) -> ExpressionRefused:
        if type(what) in _INSTEAD:
            written, instead = _INSTEAD[type(what)]
            return self.refuse(node, "expression_instead", written=written, instead=instead)
        return self.refuse(node, "expression_not_allowed", what=type(what).__name__)

    def check_name(self, node: ast.expr, name: str) -> None:
        if name.startswith("_"):
            raise self.refuse(node, "expression_underscore", name=name)

    # ---- values ------------------------------------------------------------------------------------------------------
    def compile_Constant(self, node: ast.Constant, _depth: int) -> Code:  # noqa: N802
        value = node.value
        if isinstance(value, float):
            if not isfinite(value):
                raise self.refuse(node, "expression_number_too_large")
        elif isinstance(value, int):
            if value > values.MAX_INTEGER:
                raise self.refuse(node, "expression_number_too_large")
        elif not (value is None or isinstance(value, str)):
            raise self.refuse(node, "expression_not_allowed", what=type(value).__name__)
        return lambda variables: value

    def compile_Name(self, node: ast.Name, _depth: int) -> Code:  # noqa: N802
        name = node.id
        if name in CONSTANTS:
            value = CONSTANTS[name]
            return lambda variables: value
        self.check_name(node, name)
        if name in FUNCTIONS:
            raise self.refuse(node, "expression_function_name", name=name)
        self.names.add(name)
        place = self.place(node)

        def read(variables: Mapping[str, Any]) -> Any:
            try:
                return variables[name]
            except KeyError:
                raise place.missing() from None

        return read

    def compile_Attribute(self, node: ast.Attribute, depth: int) -> Code:  # noqa: N802
        name = node.attr
        self.check_name(node, name)
        inner = self.compile(node.value, depth)
        place = self.place(node)

        def read(variables: Mapping[str, Any]) -> Any:
            value = inner(variables)
            if not isinstance(value, Mapping):
                raise place.failed("expression_no_mapping", name=name, kind=values.name_kind(value))
            try:
                return value[name]
            except KeyError:
                raise place.missing() from None

        return read

    def compile_Subscript(self, node: ast.Subscript, depth: int) -> Code:  # noqa: N802
        container, key, place = self.compile(node.value, depth), self.compile(node.slice, depth), self.place(node)

        def read(variables: Mapping[str, Any]) -> Any:
            whole, which = container(variables), key(variables)
            try:
                return values.subscript(whole, which)
            except KeyError:
                raise place.missing() from None
            except Fault as fault:
                raise place.faulty(fault) from None

        return read

    def compile_List(self, node: ast.List | ast.Tuple, depth: int) -> Code:  # noqa: N802
        items = [self.compile(item, depth) for item in node.elts]
        return lambda variables: [item(variables) for item in items]

    compile_Tuple = compile_List  # noqa: N815

    def compile_Dict(self, node: ast.Dict, depth: int) -> Code:  # noqa: N802
        pairs: list[tuple[str, Code]] = []
        for key, value in zip(node.keys, node.values, strict=True):
            if not (isinstance(key, ast.Constant) and isinstance(key.value, str)):
                raise self.refuse(key or value, "expression_mapping_key")
            pairs.append((key.value, self.compile(value, depth)))
        return lambda variables: {key: value(variables) for key, value in pairs}

    # ---- operators ---------------------------------------------------------------------------------------------------
    def compile_BoolOp(self, node: ast.BoolOp, depth: int) -> Code:  # noqa: N802
        *parts, last = [self.compile(value, depth) for value in node.values]
        ends_when = isinstance(node.op, ast.Or)

        def combine(variables: Mapping[str, Any]) -> Any:
            for part in parts:
                value = part(variables)
                if bool(value) is ends_when:
                    return value
            return last(variables)

        return combine

    def compile_UnaryOp(self, node: ast.UnaryOp, depth: int) -> Code:  # noqa: N802
        if isinstance(node.op, ast.Invert):
            raise self.refuse_node(node, node.op)
        operand = self.compile(node.operand, depth)
        if isinstance(node.op, ast.Not):
            return lambda variables: not operand(variables)
        function, place = values.negate if isinstance(node.op, ast.USub) else values.affirm, self.place(node)

        def sign(variables: Mapping[str, Any]) -> Any:
            value = operand(variables)
            try:
                return function(value)
            except Fault as fault:
                raise place.faulty(fault) from None

        return sign

    def compile_BinOp(self, node: ast.BinOp, depth: int) -> Code:  # noqa: N802
        function = _BINARY.get(type(node.op))
        if function is None:
            raise self.refuse_node(node, node.op)
        if not isinstance(node.op, ast.Add):  # repetition and formatting fail with any data: say so at deployment
            for operand in (node.left, node.right):
                if isinstance(operand, (ast.List, ast.Tuple, ast.Dict)) or (
                    isinstance(operand, ast.Constant) and isinstance(operand.value, str)
                ):
                    raise self.refuse(operand, "expression_only_numbers", sign=_ARITHMETIC.get(type(node.op)))
        left, right, place = self.compile(node.left, depth), self.compile(node.right, depth), self.place(node)

        def calculate(variables: Mapping[str, Any]) -> Any:
            first, second = left(variables), right(variables)
            try:
                return function(first, second)
            except Fault as fault:
                raise place.faulty(fault) from None

        return calculate

    def compile_Compare(self, node: ast.Compare, depth: int) -> Code:  # noqa: N802
        for each in node.ops:
            if type(each) not in _COMPARE:
                raise self.refuse_node(node, each)
        first = self.compile(node.left, depth)
        rest = [
            (_COMPARE[type(each)], _SIGNS.get(type(each), "in"), self.compile(right, depth))
            for each, right in zip(node.ops, node.comparators, strict=True)
        ]
        place = self.place(node)
        if len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq):  # by far the most frequent, and it cannot fail
            second, constant = rest[0][2], node.comparators[0]
            if isinstance(constant, ast.Constant):
                wanted = constant.value
                return lambda variables: first(variables) == wanted
            return lambda variables: first(variables) == second(variables)

        def compare(variables: Mapping[str, Any]) -> bool:
            left = first(variables)
            for function, sign, operand in rest:
                right = operand(variables)
                try:
                    if not function(left, right):
                        return False
                except TypeError:
                    kinds = {"left": values.name_kind(left), "right": values.name_kind(right)}
                    raise place.failed("expression_operands", sign=sign, **kinds) from None
                except Fault as fault:
                    raise place.faulty(fault) from None
                left = right
            return True

        return compare

    def compile_IfExp(self, node: ast.IfExp, depth: int) -> Code:  # noqa: N802
        test, then, otherwise = (self.compile(part, depth) for part in (node.test, node.body, node.orelse))
        return lambda variables: then(variables) if test(variables) else otherwise(variables)

    def compile_Call(self, node: ast.Call, depth: int) -> Code:  # noqa: N802
        if not isinstance(node.func, ast.Name):
            raise self.refuse(node, "expression_method", functions=", ".join(FUNCTIONS))
        name = node.func.id
        if name not in FUNCTIONS:
            raise self.refuse(node, "expression_function_unknown", name=name, functions=", ".join(FUNCTIONS))
        function, least, most = FUNCTIONS[name]
        if node.keywords or any(isinstance(argument, ast.Starred) for argument in node.args):
            raise self.refuse(node, "expression_plain_arguments", name=name)
        if not least <= len(node.args) <= most:
            raise self.refuse(node, "expression_argument_count", name=name, least=least, most=most)
        arguments, place = [self.compile(argument, depth) for argument in node.args], self.place(node)

        def call(variables: Mapping[str, Any]) -> Any:
            given = [argument(variables) for argument in arguments]
            try:
                return function(*given)
            except Fault as fault:
                raise place.faulty(fault) from None

        return call
