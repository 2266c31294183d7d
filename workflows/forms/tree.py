"""Walks over the components of a form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from engine.expressions import Expression
from workflows.forms.fields import Component, Field, Group, Kind, Note


def list_fields(components: Iterable[Component]) -> Iterator[Field]:
    """All fields in the order of the page, those in groups too; columns of tables stand in their table."""
    for component in components:
        if isinstance(component, Field):
            yield component
        elif isinstance(component, Group):
            yield from list_fields(component.components)


def list_groups(components: Iterable[Component]) -> Iterator[Group]:
    """All groups in the order of the page, those in groups too."""
    for component in components:
        if isinstance(component, Group):
            yield component
            yield from list_groups(component.components)


def list_counted(group: Group) -> list[Field]:
    """The texts that somebody fills in within a group: what its limit of words is about."""
    return [each for each in list_fields(group.components) if each.kind in (Kind.TEXT, Kind.LONG_TEXT) and not each.read_only]


def list_hide_conditions(components: Iterable[Component]) -> Iterator[tuple[Expression, Component]]:
    """All conditions under which something is not shown, with what they belong to."""
    for component in components:
        if component.hide_if is not None:
            yield component.hide_if, component
        if isinstance(component, Group):
            yield from list_hide_conditions(component.components)


def conditions_by_field(components: Iterable[Component], above: tuple[Expression, ...] = ()) -> dict[str, tuple[Expression, ...]]:
    """For each field the conditions that hide it: its own and those of the groups it stands in."""
    found: dict[str, tuple[Expression, ...]] = {}
    for component in components:
        conditions = (*above, component.hide_if) if component.hide_if is not None else above
        if isinstance(component, Group):
            found |= conditions_by_field(component.components, conditions)
        elif isinstance(component, Field):
            found[component.key] = conditions
    return found


def change_fields(components: Iterable[Component], change: Callable[[Field], Field | None]) -> tuple[Component, ...]:
    """The same components with each field changed (None takes it away); groups left empty go too."""
    found: list[Component] = []
    for component in components:
        if isinstance(component, Note):
            found.append(component)
        elif isinstance(component, Group):
            inner = change_fields(component.components, change)
            if any(isinstance(item, (Field, Group)) for item in inner):
                found.append(replace(component, components=inner))
        else:
            changed = change(component)
            if changed is not None:
                columns = tuple(column for column in map(change, changed.columns) if column is not None)
                found.append(replace(changed, columns=columns))
    return tuple(found)
