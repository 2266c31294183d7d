"""The board where bodies report each case onward: what passed their examination has passed it, also if it is rejected above."""

from __future__ import annotations

from tests.workflows.rounds.hubei import Hubei
from workflows.campaigns.figures import Figures, read_figures


def read(hubei: Hubei, name: str) -> Figures:
    with hubei.process_engine.read() as work:
        return read_figures(work, hubei[name], hubei.campaign_id)


def test_what_is_rejected_above_has_passed_below(hubei: Hubei) -> None:
    first, second = hubei.apply("lab"), hubei.apply("works")
    hubei.examine("wuhan_auditor", first)
    assert list(read(hubei, "organiser").funnel.values()) == [2, 2, 1, 0, 0]
    hubei.examine("huangshi_auditor", second)
    hubei.assess(first, "reject")
    hubei.assess(second)
    found = read(hubei, "organiser")
    assert dict(found.funnel) == {"opened": 2, "submitted": 2, "audited": 2, "accepted": 1, "published": 0}
    assert [(line.short_name, line.audited) for line in found.bodies] == [("武汉", 1), ("黄石", 1)]
    assert not found.lists and found.load == ()
    own = read(hubei, "wuhan_auditor")
    assert list(own.funnel.values()) == [1, 1, 1, 0, 0] and [line.short_name for line in own.bodies] == ["武汉"]
