"""From a designer's text to Python's syntax tree: wrapping, characters that are not allowed, and what to write instead."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from engine.errors import Finding
from engine.expressions.problems import ExpressionRefused
from engine.expressions.values import MAX_SOURCE

_NUMBER_LIKE = re.compile(r"(?<!\w)\.?[0-9](?:[eE][+-]?[0-9]|[\w.])*")
_NUMBER = re.compile(r"(?:[0-9]+(?:_[0-9]+)*)?\.?[0-9]*(?:[eE][+-]?[0-9]+)?")
_ESCAPE = re.compile(r"\\(.?)", re.DOTALL)
_WHITE = re.compile(r"[\r\n\t\f\v]")

# Searched, in this order, in a text that is not Python; strings are blanked out before.
_HINTS: tuple[tuple[str, re.Pattern[str], str], ...] = (
    ("expression_full_width", re.compile(r"[，。；：？！（）【】“”‘’＝＜＞＆｜＋－＊／％\u3000]"), ""),
    ("expression_instead", re.compile(r"&&"), "and"),
    ("expression_instead", re.compile(r"\|\|"), "or"),
    ("expression_instead", re.compile(r"==="), "=="),
    ("expression_instead", re.compile(r"!=="), "!="),
    ("expression_instead", re.compile(r"<>"), "!="),
    ("expression_instead", re.compile(r"=>"), ">="),
    ("expression_instead", re.compile(r"=<"), "<="),
    ("expression_instead", re.compile(r"!(?!=)"), "not"),
    ("expression_instead", re.compile(r"\beq\b"), "=="),
    ("expression_instead", re.compile(r"\bne\b"), "!="),
    ("expression_instead", re.compile(r"\blt\b"), "<"),
    ("expression_instead", re.compile(r"\ble\b"), "<="),
    ("expression_instead", re.compile(r"\bgt\b"), ">"),
    ("expression_instead", re.compile(r"\bge\b"), ">="),
    ("expression_instead", re.compile(r"\bdiv\b"), "/"),
    ("expression_instead", re.compile(r"\bmod\b"), "%"),
    ("expression_instead", re.compile(r"\bAND\b"), "and"),
    ("expression_instead", re.compile(r"\bOR\b"), "or"),
    ("expression_instead", re.compile(r"\bNOT\b"), "not"),
    ("expression_instead", re.compile(r"\bempty\b"), "len(x) == 0"),
    ("expression_instead", re.compile(r"\?"), "b if a else c"),
    ("expression_instead", re.compile(r"(?<![=!<>:])=(?!=)"), "=="),
)


def refuse(text: str, index: int, code: str, **values: object) -> ExpressionRefused:
    """The refusal of `text` at the character `index` (0-based)."""
    return ExpressionRefused(text=text[: MAX_SOURCE + 1], position=index + 1, reason=Finding(code, values=values))


def split_wrapped(text: str) -> Iterator[tuple[int, int, bool]]:
    """The parts of a text with `${…}` or `#{…}`: (begin, end, whether it is an expression), wrapping left out.

    Raises `ExpressionRefused` for a wrapping that is not closed.
    """
    begin = 0
    while True:
        found = [index for index in (text.find("${", begin), text.find("#{", begin)) if index >= 0]
        if not found:
            if begin < len(text):
                yield begin, len(text), False
            return
        start = min(found)
        if start > begin:
            yield begin, start, False
        end = _find_end(text, start + 2)
        if end is None:
            raise refuse(text, start, "expression_not_closed")
        yield start + 2, end, True
        begin = end + 1


def _find_end(text: str, begin: int) -> int | None:
    """Index of the brace that closes an expression begun at `begin`; braces in strings and in mappings do not count."""
    quote, depth, index = "", 0, begin
    while index < len(text):
        character = text[index]
        if quote:
            if character == "\\":
                index += 1
            elif character == quote:
                quote = ""
        elif character in "'\"":
            quote = character
        elif character == "{":
            depth += 1
        elif character == "}":
            if not depth:
                return index
            depth -= 1
        index += 1
    return None


def unwrap(text: str) -> tuple[str, int]:
    """The expression inside `${…}` or `#{…}`, or the whole text, and the index where it begins.

    Raises `ExpressionRefused` when only a part of the text is wrapped.
    """
    begin = len(text) - len(text.lstrip())
    stripped = text.strip()
    if stripped.startswith(("${", "#{")):
        parts = list(split_wrapped(stripped))
        if len(parts) != 1:
            raise refuse(text, begin + parts[0][1] + 1, "expression_wrapped_in_part")
        inner = stripped[parts[0][0] : parts[0][1]]
        begin += parts[0][0] + len(inner) - len(inner.lstrip())
        stripped = inner.strip()
    return stripped, begin


def read_tree(text: str) -> tuple[ast.expr, str, int]:
    """Python's syntax tree of an expression, the bare expression, and the index where it begins in `text`.

    Raises `ExpressionRefused`.
    """
    if len(text) > MAX_SOURCE:
        raise refuse(text, MAX_SOURCE, "expression_too_long", limit=MAX_SOURCE)
    bare, offset = unwrap(text)
    if not bare:
        raise refuse(text, offset, "expression_empty_text")
    bare = _WHITE.sub(" ", bare)  # a condition may be written on several lines
    blanked = _blank_strings(bare)
    _check_characters(text, bare, blanked, offset)
    try:
        return ast.parse(bare, "<expression>", mode="eval").body, bare, offset
    except SyntaxError as error:
        index = error.offset - 1 if error.offset else len(bare)  # none is given when the text ends too soon
        raise _explain(text, blanked, offset, index) from None
    except (ValueError, RecursionError, MemoryError):  # lone surrogates and zero bytes; nesting beyond Python's parser
        raise refuse(text, offset, "expression_not_readable") from None


def _blank_strings(bare: str) -> str:
    """The same text with what stands in quotes replaced by blanks, so that searching it finds operators only."""
    result, quote, index = list(bare), "", 0
    while index < len(bare):
        character = bare[index]
        if quote:
            if character == quote:
                quote = ""
            else:
                result[index] = " "
                if character == "\\" and index + 1 < len(bare):
                    index += 1
                    result[index] = " "
        elif character in "'\"":
            quote = character
        index += 1
    return "".join(result)


def _check_characters(text: str, bare: str, blanked: str, offset: int) -> None:
    """Refuse what Python would read with a warning, or otherwise than it looks."""
    if "#" in blanked:
        raise refuse(text, offset + blanked.index("#"), "expression_comment")
    for found in _ESCAPE.finditer(bare):
        if found[1] not in ("\\", "'", '"', "n", "r", "t"):
            raise refuse(text, offset + found.start(), "expression_escape", escape=found[0])
    for found in _NUMBER_LIKE.finditer(blanked):
        if not _NUMBER.fullmatch(found[0]):
            raise refuse(text, offset + found.start(), "expression_number", number=found[0])


def _explain(text: str, blanked: str, offset: int, index: int) -> ExpressionRefused:
    for code, pattern, instead in _HINTS:
        if found := pattern.search(blanked):
            values = {"written": found[0], "instead": instead} if instead else {"written": found[0]}
            return refuse(text, offset + found.start(), code, **values)
    return refuse(text, min(offset + index, len(text)), "expression_not_readable")
