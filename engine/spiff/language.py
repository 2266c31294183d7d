"""The expression language in place of Python: the only evaluator that SpiffWorkflow is given.

The library's own environment calls `eval` and `exec` on texts of the diagram. Ours is handed to every workflow, knows nothing
but `engine.expressions`, and refuses scripts and services: those wait, and the engine does them outside.
"""

# SpiffWorkflow has no type hints: its classes are Any for the type checker.
# mypy: disable-error-code="misc"

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from SpiffWorkflow.bpmn.script_engine.python_engine import PythonScriptEngine
from SpiffWorkflow.bpmn.script_engine.python_environment import BasePythonScriptEngineEnvironment
from SpiffWorkflow.task import Task

from engine.errors import OperationNotSupported, Problem, StepFailed
from engine.expressions import parse


class ExpressionEnvironment(BasePythonScriptEngineEnvironment):
    """Evaluates expressions of the language; executes nothing."""

    def evaluate(self, expression: str, context: Mapping[str, Any], external_context: Mapping[str, Any] | None = None) -> Any:
        """The value of an expression.

        Raises ExpressionRefused, ExpressionFailed, VariableMissing.
        """
        return parse(expression).evaluate({**(external_context or {}), **context})

    def execute(self, script: str, context: Any, external_context: Any = None) -> NoReturn:
        """Raises OperationNotSupported: scripts wait and are run outside."""
        raise OperationNotSupported(reason="scripts are run outside of the kernel")

    def call_service(self, context: Any, **kwargs: Any) -> NoReturn:
        """Raises OperationNotSupported: service tasks wait for their handlers."""
        raise OperationNotSupported(reason="services are called outside of the kernel")


class ExpressionEngine(PythonScriptEngine):
    """The library's script engine over the variables of our scopes; the tasks' own data are not looked at."""

    def __init__(self) -> None:
        super().__init__(ExpressionEnvironment())

    def validate(self, expression: str) -> None:
        """Raises ExpressionRefused."""
        parse(expression)

    def evaluate(self, task: Task, expression: str, external_context: Mapping[str, Any] | None = None) -> Any:
        """The value of an expression as a task sees it.

        Raises StepFailed with the element when the expression fails.
        """
        return self.value(task, expression, task.task_spec.bpmn_id, **(external_context or {}))

    def value(self, task: Task | None, expression: str, element_id: str | None, **more: Any) -> Any:
        """The same for an element that is not the task's own: a flow, a boundary event, a loop."""
        workflow = task.workflow.top_workflow
        try:
            return self.environment.evaluate(expression, workflow.environment(task), more)
        except Problem as problem:
            raise StepFailed(element=element_id, reason=str(problem)) from problem

    def execute(self, task: Task, script: str, external_context: Any = None) -> NoReturn:
        """Raises OperationNotSupported."""
        self.environment.execute(script, {})

    def call_service(self, task: Task, **kwargs: Any) -> NoReturn:
        """Raises OperationNotSupported."""
        self.environment.call_service({})


ENGINE = ExpressionEngine()
"""Shared: it has no state."""
