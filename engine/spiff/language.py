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

from engine.errors import Finding, OperationNotSupported, Problem, StepFailed
from engine.expressions import VariableMissing, parse, parse_template


class ExpressionEnvironment(BasePythonScriptEngineEnvironment):
    """Evaluates expressions of the language; executes nothing."""

    def evaluate(self, expression: str, context: Mapping[str, Any], external_context: Mapping[str, Any] | None = None) -> Any:
        """The value of an expression.

        Raises ExpressionRefused, ExpressionFailed, VariableMissing.
        """
        return parse(expression).evaluate({**context, **(external_context or {})})

    def execute(self, script: str, context: Any, external_context: Any = None) -> NoReturn:
        """Raises OperationNotSupported: scripts wait and are run outside."""
        raise OperationNotSupported(reason=Finding("spiff_outside"))

    def call_service(self, context: Any, **kwargs: Any) -> NoReturn:
        """Raises OperationNotSupported: service tasks wait for their handlers."""
        raise OperationNotSupported(reason=Finding("spiff_outside"))


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
        return self.value(task, expression, task.task_spec.bpmn_id, more=external_context)

    def value(
        self,
        task: Task,
        expression: str,
        element_id: str,
        *,
        around: bool = False,
        more: Mapping[str, Any] | None = None,
    ) -> Any:
        """The same for an element that is not the task's own (a flow, a boundary event, a loop); `around`: without the task's
        own variables.
        """
        seen = task.workflow.top_workflow.environment(task, around=around)
        try:
            return self.environment.evaluate(expression, seen, more)
        except Problem as problem:
            raise StepFailed(element=element_id, reason=problem) from problem

    def holds(self, task: Task, condition: str, element_id: str) -> bool:
        """Whether the condition of a conditional event is true. What asks for a variable that is not there yet is not.

        Raises StepFailed.
        """
        try:
            return bool(self.value(task, condition, element_id))
        except StepFailed as problem:
            if isinstance(problem.__cause__, VariableMissing):
                return False
            raise

    def text(self, task: Task, text: str, element_id: str) -> Any:
        """The value of a text with `${…}` parts. Raises StepFailed."""
        return self._fill(text, task.workflow.top_workflow.environment(task), element_id)

    def text_inside(self, scope: Any, text: str, element_id: str) -> Any:
        """The same as it is seen inside a scope. Raises StepFailed."""
        seen: dict[str, Any] = {}
        for layer in reversed(list(scope.top_workflow.scope_layers(scope, writing=False))):
            seen.update(layer)
        return self._fill(text, seen, element_id)

    @staticmethod
    def _fill(text: str, variables: Mapping[str, Any], element_id: str) -> Any:
        try:
            return parse_template(text).evaluate(variables)
        except Problem as problem:
            raise StepFailed(element=element_id, reason=problem) from problem

    def execute(self, task: Task, script: str, external_context: Any = None) -> NoReturn:
        """Raises OperationNotSupported."""
        self.environment.execute(script, {})

    def call_service(self, task: Task, **kwargs: Any) -> NoReturn:
        """Raises OperationNotSupported."""
        self.environment.call_service({})


ENGINE = ExpressionEngine()
"""Shared: it has no state."""
