"""Scripts in processes of their own: what they may do, and that nothing they do reaches further."""

import ast
import gc
import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import BpmnError, BpmnEscalation
from engine.scripts import MAX_SOURCE, ScriptFailed, ScriptRunner, check_script
from engine.texts import Catalogue

VARIABLES = {"count": 3, "names": ["a", "b"], "case": {"title": "合格", "score": None}, "half": 0.5}


@pytest.fixture(scope="module")
def runner() -> Iterator[ScriptRunner]:
    with ScriptRunner(processes=1) as made:
        yield made


def reason_of(runner: ScriptRunner, source: str, **limits: Any) -> Any:
    with pytest.raises(ScriptFailed) as failure:
        runner.run(source, VARIABLES, **limits)
    return failure.value.values["reason"]


def children() -> list[tuple[int, str]]:
    """The processes that we started, with the state that the system notes for them (Z: a zombie)."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        if int(fields[1]) == os.getpid():
            found.append((int(path.parent.name), fields[0]))
    return found


# ---- what scripts do -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("source", "assigned"),
    [
        ("", {}),
        ("# nothing", {}),
        ("total = count + 1", {"total": 4}),
        ("count = count + 1", {"count": 4}),
        ("count += 1", {"count": 4}),
        ("a, b = 1, 'x'\n[c, d] = [None, True]", {"a": 1, "b": "x", "c": None, "d": True}),
        ("a = (1, 2)", {"a": [1, 2]}),
        ("total = 0\nfor i in range(count):\n    total += i", {"total": 3}),
        ("if count > 2:\n    size = 'large'\nelse:\n    size = 'small'", {"size": "large"}),
        ("if count > 20:\n    size = 'large'", {}),
        ("x = None\ny = [None]", {"x": None, "y": [None]}),
        ("def double(x):\n    y = 2 * x\n    return y\nresult = double(count)", {"result": 6}),
        ("_work = [n.upper() for n in names]\nshout = ' '.join(_work)", {"shout": "A B"}),
        ("title = case['title'] + '！'", {"title": "合格！"}),
        ("names.append('c')", {"names": ["a", "b", "c"]}),
        ("case['score'] = 90", {"case": {"title": "合格", "score": 90}}),
        ("copy = names + []\ncopy.append('c')", {"copy": ["a", "b", "c"]}),
        ("score = case['score']", {"score": None}),
        ("big = 9223372036854775807", {"big": 2**63 - 1}),
        ("x = {'k': [1, 2.5, {'z': False}]}", {"x": {"k": [1, 2.5, {"z": False}]}}),
        ("x = sorted([3, 1])\ny = max(1, 2)\nz = len(names)", {"x": [1, 3], "y": 2, "z": 2}),
        (r"pattern = '\d'", {"pattern": "\\d"}),
    ],
)
def test_assigned(runner: ScriptRunner, source: str, assigned: dict[str, Any]) -> None:
    assert runner.run(source, VARIABLES) == assigned


def test_nothing_stays_from_one_script_to_the_next(runner: ScriptRunner) -> None:
    assert runner.run("left_over = 1\ncount = 5", VARIABLES) == {"left_over": 1, "count": 5}
    assert reason_of(runner, "x = left_over").code == "script_variable_missing"
    assert runner.run("x = count", VARIABLES) == {"x": 3}


plain = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)


@given(
    st.recursive(plain, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12)
)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_values_come_back_as_they_went(runner: ScriptRunner, value: Any) -> None:
    assert runner.run("copy = [given]", {"given": value}) == {"copy": [value]}


# ---- what scripts cannot do ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("source", "code", "line"),
    [
        ("x = 1\nimport os", "script_not_readable", 2),
        ("from os import path", "script_not_readable", 1),
        ("load('a', 'b')", "script_not_readable", 1),
        ("while True:\n    pass", "script_not_readable", 1),
        ("try:\n    x = 1\nexcept:\n    pass", "script_not_readable", 1),
        ("class A:\n    pass", "script_not_readable", 1),
        ("x = f'{count}'", "script_not_readable", 1),
        ("x: int = 1", "script_not_readable", 1),
        ("x = (", "script_not_readable", 1),
        ("\n\nx = 1 +", "script_not_readable", 3),
        ("x = '\ud800'".encode("utf-8", "replace").decode() + "\0", "script_not_readable", 1),
        ("x = open('/etc/passwd')", "script_variable_missing", 1),
        ("x = __import__('os')", "script_variable_missing", 1),
        ("x = eval('1')", "script_variable_missing", 1),
        ("x = 1\ny = missing", "script_variable_missing", 2),
        ("x = ''.__class__", "script_error", 1),
        ("x = case.title", "script_error", 1),
        ("x = 1 // 0", "script_error", 1),
        ("fail('because')", "script_error", 1),
        ("x = names[5]", "script_error", 1),
    ],
)
def test_refused_with_the_line(runner: ScriptRunner, source: str, code: str, line: int) -> None:
    reason = reason_of(runner, source)
    assert (reason.code, reason.values["line"]) == (code, line)


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("x = len", "script_value"),
        ("x = lambda: 1", "script_value"),
        ("x = [len]", "script_value"),
        ("x = [0]\nx.append(x)", "script_value"),
        ("x = {1: 2}", "script_key"),
        ("x = 1 << 64", "script_number"),
        ("x = 1e308 * 1e308", "script_number"),
        ("x = {'a': [None, 1e308 * 1e308]}", "script_number"),
        ("names[0] = 1e308 * 1e308", "script_number"),
        ("inf = 1e308 * 1e308\nx = {'\"]': inf - inf}", "script_number"),
        ("x = 1\nfor i in range(60):\n    x = [x]", "script_value_too_deep"),
        ("x = ['a' * 1000] * 300", "script_result_too_large"),
        ("x = 1" + " " * MAX_SOURCE, "script_too_long"),
    ],
)
def test_values_that_cannot_be_stored(runner: ScriptRunner, source: str, code: str) -> None:
    assert reason_of(runner, source).code == code


def test_too_many_variables_are_refused(runner: ScriptRunner) -> None:
    with pytest.raises(ScriptFailed) as failure:
        runner.run("x = 1", {"text": "x" * 9_000_000})
    assert failure.value.values["reason"].code == "script_variables_too_large"


# ---- limits ----------------------------------------------------------------------------------------------------------
SLOW, MEMORY, DEEP = {"script_too_slow"}, {"script_memory"}, {"script_too_deep", "script_not_readable"}
EXHAUSTING = [
    ("for i in range(1000000000):\n    pass", SLOW),
    ("x = [i for i in range(1000000000) if i < 0]", SLOW),
    ("def f(n):\n    for i in range(1000000000):\n        n += i\n    return n\nx = f(0)", SLOW | MEMORY),
    ("x = 'x' * 2000000000", MEMORY),
    ("x = [0] * 2000000000", MEMORY),
    ("x = 'x' * 40000000\ny = x + x + x + x", MEMORY),
    ("x = 'a'\nfor i in range(40):\n    x = x.replace('a', 'aa')", SLOW | MEMORY),
    ("x = []\nfor i in range(1000000000):\n    x.append('some text ' + str(i))", SLOW | MEMORY),
    ("x = list(range(1000000000))", SLOW | MEMORY | {"script_lost"}),  # a panic in native code
    ("x = 1 << 100000000000", {"script_error"}),
    ("def f(n):\n    return f(n + 1)\nx = f(0)", DEEP),
    ("def f(n):\n    return g(n)\ndef g(n):\n    return f(n)\nx = f(0)", DEEP),
    ("x = []\nfor i in range(1000000):\n    x = [x]", SLOW | MEMORY | DEEP | {"script_value", "script_value_too_deep"}),
    ("x = " + "[" * 9_000 + "]" * 9_000, DEEP),
    ("x = " + "len(" * 3_900 + "1" + ")" * 3_900, DEEP),
    ("x = " + "-" * 19_000 + "1", DEEP),
    ("x = " + "lambda: " * 2_000 + "1", SLOW | MEMORY | DEEP | {"script_value"}),
]


@pytest.mark.parametrize(("source", "codes"), EXHAUSTING, ids=[source[:24] for source, _ in EXHAUSTING])
def test_exhaustion_is_stopped_and_the_runner_goes_on(runner: ScriptRunner, source: str, codes: set[str]) -> None:
    begun = time.monotonic()
    reason = reason_of(runner, source, limit_s=0.5, limit_mb=32)
    assert reason.code in codes
    assert time.monotonic() - begun < 10
    assert runner.run("x = count + 1", VARIABLES) == {"x": 4}


def test_memory_is_bounded_from_the_systems_point_of_view() -> None:
    peaks: list[int] = []
    before = {pid for pid, _ in children()}
    with ScriptRunner(processes=1) as made:
        made.run("x = 1", {})
        (pid,) = {pid for pid, _ in children()} - before
        watching = threading.Event()

        def watch() -> None:
            while not watching.wait(0.005):
                try:
                    status = Path(f"/proc/{pid}/status").read_text()
                except OSError:
                    return
                peaks.extend(int(kilobytes) for kilobytes in re.findall(r"VmHWM:\s+(\d+) kB", status))

        watcher = threading.Thread(target=watch)
        watcher.start()
        with pytest.raises(ScriptFailed):
            made.run("x = []\nfor i in range(1000000000):\n    x.append('some text ' + str(i))", {}, limit_mb=32)
        watching.set()
        watcher.join()
    assert peaks
    assert max(peaks) < 32 * 1024 + 60 * 1024  # the limit, and what a fresh process has


def test_a_killed_process_is_replaced() -> None:
    before = {pid for pid, _ in children()}
    with ScriptRunner(processes=1) as made:
        made.run("x = 1", {})
        (pid,) = {pid for pid, _ in children()} - before
        os.kill(pid, signal.SIGKILL)
        assert reason_of(made, "x = 1").code == "script_memory"
        assert made.run("x = 2", {}) == {"x": 2}


def test_a_stopped_process_is_killed() -> None:
    before = {pid for pid, _ in children()}
    with ScriptRunner(processes=1) as made:
        made.run("x = 1", {})
        (pid,) = {pid for pid, _ in children()} - before
        os.kill(pid, signal.SIGSTOP)
        assert reason_of(made, "x = 1", limit_s=0.2).code == "script_too_slow"
        assert made.run("x = 2", {}) == {"x": 2}
        assert pid not in {pid for pid, _ in children()}


def test_no_zombies_and_nothing_left_after_closing() -> None:
    before = {pid for pid, _ in children()}
    made = ScriptRunner(processes=2)
    made.start()
    for source in ("x = 'x' * 2000000000", "for i in range(1000000000):\n    pass", "x = 1"):
        with suppress(ScriptFailed):
            made.run(source, {}, limit_s=0.2)
        states = {state for pid, state in children() if pid not in before}
        assert "Z" not in states
    made.close()
    assert {pid for pid, _ in children()} <= before
    assert made.run("x = 1", {}) == {"x": 1}  # a closed runner starts anew when it is needed
    made.close()
    assert {pid for pid, _ in children()} <= before


def test_a_forgotten_runner_ends_its_processes() -> None:
    before = {pid for pid, _ in children()}
    made = ScriptRunner(processes=1)
    made.start()
    assert len({pid for pid, _ in children()} - before) == 1
    del made
    gc.collect()
    assert {pid for pid, _ in children()} <= before


def test_many_threads_share_few_processes() -> None:
    before = {pid for pid, _ in children()}
    seen: set[int] = set()

    def work(number: int) -> object:
        source = "for i in range(1000000000):\n    pass" if number % 8 == 3 else "result = number * 2"
        try:
            answer: object = made.run(source, {"number": number}, limit_s=0.15)
        except ScriptFailed as failure:
            answer = failure.values["reason"].code
        seen.update({pid for pid, _ in children()} - before)
        return answer

    with ScriptRunner(processes=2) as made, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(work, range(40)))
    assert answers == ["script_too_slow" if number % 8 == 3 else {"result": number * 2} for number in range(40)]
    assert len(seen) < 12
    assert {pid for pid, _ in children()} <= before


def test_a_forked_server_starts_processes_of_its_own(runner: ScriptRunner) -> None:
    runner.run("x = 1", {})
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - seen through the pipe
        try:
            answer = runner.run("x = 'forked'", {})
            os.write(writer, str(answer).encode())
            runner.close()
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader) as source:
        assert source.read() == "{'x': 'forked'}"
    assert runner.run("x = 'ours'", {}) == {"x": "ours"}


# ---- at deployment ---------------------------------------------------------------------------------------------------
def test_check_parses_and_does_not_run(runner: ScriptRunner) -> None:
    assert runner.check("x = missing\nfor i in range(1000000000):\n    pass") == []
    assert check_script("x = 1") == []
    (finding,) = check_script("x = 1\nimport os")
    assert (finding.code, finding.values["line"], finding.severity) == ("script_not_readable", 2, "error")
    assert [finding.code for finding in check_script("x" * (MAX_SOURCE + 1))] == ["script_too_long"]
    assert Catalogue("engine").tell(finding, "zh").startswith("第 2 行")


def test_check_survives_what_overturns_a_parser(runner: ScriptRunner) -> None:
    for source, _ in EXHAUSTING:
        assert {finding.code for finding in runner.check(source)} <= DEEP
    assert runner.check("x = 1") == []


def test_every_reason_has_a_text() -> None:
    codes: set[str] = set()
    for source in resources.files("engine.scripts").iterdir():
        if source.name.endswith(".py"):
            strings = [node.value for node in ast.walk(ast.parse(source.read_text("utf-8"))) if isinstance(node, ast.Constant)]
            codes |= {value for value in strings if isinstance(value, str) and re.fullmatch(r"script_\w+", value)}
    assert codes == {code for code in Catalogue("engine").entries if code.startswith("script_")}


# ---- throwing --------------------------------------------------------------------------------------------------------
def test_what_a_script_throws_ends_it(runner: ScriptRunner) -> None:
    with pytest.raises(BpmnError) as error:
        runner.run("count += 1\nthrow_error('late', 'too late')\ncount = 99", VARIABLES)
    assert (error.value.code, error.value.message, error.value.variables) == ("late", "too late", {"count": 4})
    with pytest.raises(BpmnEscalation) as escalation:
        runner.run("throw_escalation('ask')", VARIABLES)
    assert (escalation.value.code, escalation.value.message, escalation.value.variables) == ("ask", None, {})


@pytest.mark.parametrize(
    "source", ["throw_error()", "throw_error(1)", "throw_error('')", "throw_error('e', 5)", "throw_escalation()"]
)
def test_a_throw_needs_a_code(runner: ScriptRunner, source: str) -> None:
    assert reason_of(runner, source).code == "script_error"
