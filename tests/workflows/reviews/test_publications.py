"""The result: a list without personal data, every reviewed case told, all instances ended."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from engine.tables import instance, message
from workflows.publications import PublicationInvalid, PublishedCase, list_publications
from workflows.tables import campaign, publication, publication_item


def test_from_selection_to_the_end_of_all_instances(make_stage: Any) -> None:
    stage = make_stage(cases=4, experts=9, provinces=3)
    stage.open_review(experts_per_case=2)
    points = dict(zip(stage.numbers, (60, 90, 80, 70), strict=True))
    stage.review_all(lambda number, turn: points[number])
    stage.complete("select_cases", stage.organiser, {"cut": 2, "method": "trimmed", "reason": ""})
    stage.go_to(stage.clock.now().replace(month=12, day=1))
    stage.complete("settle_comments", stage.organiser, {"decisions": [], "remark": ""})
    with stage.process_engine.read() as work:
        assert list_publications(work, stage.campaign_id) == []
    for title in ("", "\x00 ", "长" * 301):
        with pytest.raises(PublicationInvalid):
            stage.complete("publish", stage.organiser, {"title": title})
    stage.complete("publish", stage.organiser, {"title": "关于公布优秀案例的通知"})
    stage.run()
    a, b, c, d = stage.numbers
    assert stage.states() == {a: "not_selected", b: "published", c: "published", d: "not_selected"}
    with stage.process_engine.read() as work:
        (found,) = list_publications(work, stage.campaign_id)
        assert (found.title, found.published_at) == ("关于公布优秀案例的通知", stage.clock.now())
        assert found.cases == (
            PublishedCase(1, "检测001中心服务产业案例", "演练检测中心001"),
            PublishedCase(2, "检测002中心服务产业案例", "演练检测中心002"),
        )
        assert work.connection.execute(sa.select(publication.c.by)).scalars().all() == [stage.organiser.id]
        assert work.connection.execute(sa.select(campaign.c.phase)).scalar_one() == "published"
        assert {row.state for row in work.connection.execute(sa.select(instance.c.state))} == {"ended"}
        told = {
            row.business_key: row.variables
            for row in work.connection.execute(sa.select(message).where(message.c.name == "result_published"))
        }
        assert len(work.connection.execute(sa.select(publication_item)).all()) == 2
    assert told == {a: {"selected": False}, b: {"selected": True}, c: {"selected": True}, d: {"selected": False}}
    letters = {letter.recipient: letter for letter in stage.letters() if letter.about in stage.numbers}
    assert "已入选" in letters["applicant001@example.org"].body and "入选通知" in letters["applicant001@example.org"].subject
    assert "未入选" in letters["applicant000@example.org"].body
    assert len(letters) == 4
