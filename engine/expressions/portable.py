"""Simple expressions as nested lists, for an evaluator elsewhere: the script of the pages, which hides fields while one types.

kind != 'other' and (count > 3 or 'x' in words)
["and", ["!=", ["name", "kind"], ["value", "other"]], ["or", [">", …], ["in", …]]]
"""

from __future__ import annotations

import ast
from typing import Any

from engine.expressions.language import CONSTANTS, Expression
from engine.expressions.reading import read_tree

_SIGNS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
}


def write_portable(expression: Expression) -> list[Any] | None:
    """The expression as lists; None when it has more than names, constants, lists, comparisons, `and`, `or` and `not`."""
    tree, _bare, _offset = read_tree(expression.text)
    try:
        return _write(tree)
    except _TooMuch:
        return None


class _TooMuch(Exception):  # noqa: N818 - never leaves this file
    pass


def _write(node: ast.expr) -> list[Any]:
    match node:
        case ast.Constant(value=str() | int() | float() | None as value):
            return ["value", value]
        case ast.Name(id=name):
            return ["value", CONSTANTS[name]] if name in CONSTANTS else ["name", name]
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return ["list", *map(_write, items)]
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return ["not", _write(operand)]
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return ["value", -number]
        case ast.BoolOp(op=operator, values=operands):
            return ["and" if isinstance(operator, ast.And) else "or", *map(_write, operands)]
        case ast.Compare(left=left, ops=signs, comparators=others) if all(type(sign) in _SIGNS for sign in signs):
            sides = [_write(each) for each in (left, *others)]
            pairs = [[_SIGNS[type(sign)], sides[place], sides[place + 1]] for place, sign in enumerate(signs)]
            return pairs[0] if len(pairs) == 1 else ["and", *pairs]
    raise _TooMuch
