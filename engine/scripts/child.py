"""The program of a script process. Started by its path, isolated: it imports the standard library and Starlark, nothing of ours.

It reads requests from standard input and writes answers to standard output, each four bytes of length and JSON. A request is
checked or run in a module of its own; nothing stays behind. It limits its own memory before each request; what cannot be
caught here (an allocation that fails in native code, a native stack overflow) ends the process, and the parent tells why.
"""

from __future__ import annotations

import ast
import json
import math
import os
import re
import resource
import struct
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, BinaryIO

sys.path.append(sys.argv[1])  # where Starlark is installed: the interpreter starts without site-packages

import starlark  # noqa: E402

MAX_CALLS = 50
"""Depth of calls: the language has no recursion to speak of."""
MAX_DEPTH = 50
"""Levels of nesting of a value."""
MAX_INTEGER = 2**63 - 1
"""As in the expression language: what JSON keeps exactly on both databases."""
MEGABYTE = 1024 * 1024


class Fault(Exception):  # noqa: N818  (a fact for the parent, as everywhere in the engine)
    """What is wrong with the script: a code of the parent's catalogue, and values."""

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


class Thrown(Exception):  # noqa: N818
    """The script has thrown a BPMN error or escalation, which ends it; `found` is what is told of it."""

    def __init__(self, kind: str, code: Any, message: Any) -> None:
        super().__init__(kind)
        if not isinstance(code, str) or not code or not isinstance(message, str | None):
            raise ValueError(f"throw_{kind} takes a code and perhaps a message, both texts")
        self.found = {"kind": kind, "code": code, "message": message}


# ---- reading ---------------------------------------------------------------------------------------------------------
def read_script(source: str) -> tuple[Any, ast.Module]:
    """The script for Starlark, and as Python's syntax tree, which tells its names: Starlark's grammar is a part of Python's.

    Raises Fault.
    """
    dialect = starlark.Dialect.standard()
    dialect.enable_top_level_stmt = True
    dialect.enable_load = False
    dialect.enable_f_strings = False
    dialect.enable_types = starlark.DialectTypes.DISABLE
    try:
        program = starlark.parse("script", source, dialect)
    except starlark.StarlarkError as error:
        raise explain("script_not_readable", error) from None
    try:
        return program, ast.parse(source)
    except SyntaxError as error:
        raise Fault("script_not_readable", line=error.lineno, column=error.offset, message=error.msg) from None
    except ValueError as error:
        raise Fault("script_not_readable", line=1, column=1, message=str(error)) from None
    except (RecursionError, MemoryError):  # what Python's parser says when its stack is full
        raise Fault("script_too_deep", line=None, column=None) from None


def explain(code: str, error: Exception) -> Fault:
    """The place and the words of an error of Starlark."""
    text = str(error)
    place = re.search(r"--> script:(\d+):(\d+)", text)
    message = re.search(r"^error: (.*)$", text, re.MULTILINE)
    words = (message[1] if message else text.strip())[:300].removeprefix("Parse error: ")
    line, column = (int(place[1]), int(place[2])) if place else (None, None)
    missing = re.match(r"Variable `(\w+)` not found", words)
    if missing:
        return Fault("script_variable_missing", line=line, column=column, name=missing[1])
    if "call stack overflow" in words:
        return Fault("script_too_deep", line=line, column=column)
    return Fault(code, line=line, column=column, message=words)


def assigned_names(tree: ast.Module) -> Iterator[str]:
    """Names that the script itself assigns at its top level. Variables of loops and names with an underscore are its own."""
    todo: list[ast.AST] = list(tree.body)
    while todo:
        node = todo.pop()
        if isinstance(node, (ast.If, ast.For)):
            todo += [*node.body, *node.orelse]
        elif isinstance(node, ast.Assign):
            todo += node.targets
        elif isinstance(node, ast.AugAssign):
            todo.append(node.target)
        elif isinstance(node, (ast.Tuple, ast.List)):
            todo += node.elts
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and not node.id.startswith("_"):
            yield node.id


# ---- running ---------------------------------------------------------------------------------------------------------
def run_script(source: str, variables: dict[str, Any], limit_s: float) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """What the script assigns, and the given variables that it changed in place; what it has thrown.

    Raises Fault.
    """
    program, tree = read_script(source)
    named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    given = {name: variables[name] for name in sorted(named & variables.keys())}
    module = starlark.Module()
    for name, value in given.items():
        module[name] = value
    cancelled, thrown = False, None

    def throw(kind: str, code: Any, message: Any = None) -> None:
        nonlocal thrown
        problem = Thrown(kind, code, message)
        thrown = problem.found
        raise problem

    def throw_error(code: Any, message: Any = None) -> None:
        throw("error", code, message)

    def throw_escalation(code: Any) -> None:
        throw("escalation", code)

    module.add_callable("throw_error", throw_error)
    module.add_callable("throw_escalation", throw_escalation)

    def check_cancelled() -> bool:
        nonlocal cancelled
        cancelled = time.monotonic() > stop_at
        return cancelled

    options = starlark.EvalOptions(check_cancelled=check_cancelled, max_callstack_size=MAX_CALLS)
    stop_at = time.monotonic() + limit_s
    try:
        starlark.eval_with(options, module, program, starlark.Globals.standard())
    except starlark.StarlarkError as error:
        if cancelled:
            raise Fault("script_too_slow", limit=limit_s) from None
        if thrown is None:
            raise explain("script_error", error) from None
    assigned = set(assigned_names(tree))
    result = {}
    for name in sorted(assigned | given.keys()):
        value = take_value(module, name)
        if name in given and write(value) == write(given[name]) and name not in assigned:
            continue
        if value is None and not is_set(module, name):
            continue  # assigned on a way that was not taken
        check_finite(module, find_none(name, value))
        result[name] = value
    return result, thrown


def take_value(module: Any, name: str) -> Any:
    """The value of a variable as JSON.

    Raises Fault for what is none: a function, a range, a loop of references.
    """
    try:
        value = module[name]
    except starlark.StarlarkError:
        raise Fault("script_value", name=name) from None
    check_value(name, value, 0)
    return value


def check_value(name: str, value: Any, depth: int) -> None:
    """Raise Fault unless `value` can be stored."""
    if depth > MAX_DEPTH:
        raise Fault("script_value_too_deep", name=name, limit=MAX_DEPTH)
    if value is None or isinstance(value, (bool, str)):
        return
    if isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise Fault("script_number", name=name)
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise Fault("script_number", name=name)
    elif isinstance(value, list):
        for item in value:
            check_value(name, item, depth + 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise Fault("script_key", name=name)
            check_value(name, item, depth + 1)
    else:
        raise Fault("script_value", name=name)


def find_none(path: str, value: Any) -> Iterator[str]:
    """The places of a value that seem to be None, as expressions of Starlark."""
    if value is None:
        yield path
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from find_none(f"{path}[{index}]", item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from find_none(f"{path}[{json.dumps(key, ensure_ascii=False)}]", item)


def check_finite(module: Any, paths: Iterator[str]) -> None:
    """The library hands out infinity and not-a-number as None. Ask Starlark itself whether it is None.

    Raises Fault.
    """
    for path in paths:
        if ask(module, f"{path} != None"):
            raise Fault("script_number", name=path)


def is_set(module: Any, name: str) -> bool:
    """Whether a variable has a value: the library hands out None for one that has none."""
    try:
        ask(module, name)
    except starlark.StarlarkError:
        return False
    return True


def ask(module: Any, expression: str) -> Any:
    """The value of an expression of ours over the variables of a script that has run."""
    return starlark.eval(module, starlark.parse("question", expression), starlark.Globals.standard())


# ---- the process -----------------------------------------------------------------------------------------------------
def limit_memory(megabytes: int | None) -> None:
    """Let the process take so much more than it has now; None lifts the limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = hard
    if megabytes is not None:
        with suppress(OSError), open("/proc/self/statm") as source:
            limit = int(source.read().split()[0]) * resource.getpagesize() + megabytes * MEGABYTE
            limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    with suppress(ValueError, OSError):  # macOS knows the limit but does not let it be set
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def answer_request(request: dict[str, Any]) -> dict[str, Any]:
    """The answer to one request: what was assigned, or the fault."""
    limit_memory(request["limit_mb"])
    try:
        if request["do"] == "check":
            read_script(request["source"])
            return {"assigned": {}}
        assigned, thrown = run_script(request["source"], request["variables"], request["limit_s"])
        size = len(write(assigned))
        if size > request["limit_bytes"]:
            raise Fault("script_result_too_large", size=size, limit=request["limit_bytes"])
        return {"assigned": assigned, "thrown": thrown}
    except Fault as fault:
        return {"fault": fault.code, "values": fault.values}
    except MemoryError:
        return {"fault": "script_memory", "values": {"limit": request["limit_mb"]}, "spent": True}
    except RecursionError:
        return {"fault": "script_too_deep", "values": {"line": None, "column": None}}
    except BaseException as error:  # native code panics, mostly because memory was refused; it is not to be used again
        if re.search("memory|capacity", str(error)):
            return {"fault": "script_memory", "values": {"limit": request["limit_mb"]}, "spent": True}
        return {"fault": "script_lost", "values": {"status": type(error).__name__}, "spent": True}
    finally:
        limit_memory(None)


def write(value: Any) -> bytes:
    """JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def read_frame(source: BinaryIO) -> bytes | None:
    """The next frame; None at the end, when the parent is gone."""
    head = source.read(4)
    if len(head) < 4:
        return None
    (length,) = struct.unpack(">I", head)
    body = source.read(length)
    return body if len(body) == length else None


def serve() -> None:
    """Answer requests until the parent closes its end."""
    warnings.simplefilter("ignore")  # of Python's parser, about what Starlark takes as it is
    for name in ("RLIMIT_CORE", "RLIMIT_FSIZE"):
        with suppress(ValueError, OSError):
            resource.setrlimit(getattr(resource, name), (0, 0))
    source, target = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # nothing but answers goes out
    body: bytes | None = write({"ready": True})
    while body is not None:
        target.write(struct.pack(">I", len(body)) + body)
        target.flush()
        request = read_frame(source)
        body = None if request is None else write(answer_request(json.loads(request)))


if __name__ == "__main__":
    serve()
