"""Who is asked about, and the routes they are asked about, with their addresses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

ANONYMOUS = "anonymous"
ROLES = (ANONYMOUS, "applicant", "applicant_b", "auditor", "auditor_b", "organiser", "expert_1", "designer", "administrator")
"""`applicant` owns the case and `auditor` audits it; those with `_b` belong to another institution and body."""

CLAIMED = "2"
"""The revision of the task after the first form of all, the claim."""


@dataclass
class Subject:
    """What the addresses of the routes are filled with."""

    values: dict[str, str]


def list_routes(app: Any, *, programs: bool) -> set[tuple[str, str]]:
    """All (method, endpoint) of the pages, or with `programs` of the REST interface."""
    return {
        (method, rule.endpoint)
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if rule.endpoint.startswith("rest_") == programs
    }


def address_of(app: Any, endpoint: str, values: dict[str, str]) -> str:
    """The address of a route, filled with what it asks for."""
    (rule,) = app.url_map.iter_rules(endpoint)
    with app.test_request_context():
        return str(app.url_for(endpoint, **{name: values[name] for name in rule.arguments}))
