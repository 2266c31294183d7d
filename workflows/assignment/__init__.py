"""Which expert reviews which case: the draw, and the optimisation behind it."""

from workflows.assignment.draw import (
    Assignment,
    Candidacy,
    Expert,
    ExpertsInsufficient,
    assign_experts,
    choose_replacement,
    draw_panel,
    find_recusal,
    list_recusals,
    match_fields,
    order_randomly,
    shuffle_numbers,
)

__all__ = [
    "Assignment",
    "Candidacy",
    "Expert",
    "ExpertsInsufficient",
    "assign_experts",
    "choose_replacement",
    "draw_panel",
    "find_recusal",
    "list_recusals",
    "match_fields",
    "order_randomly",
    "shuffle_numbers",
]
