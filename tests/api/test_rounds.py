"""Pages of rounds, arrivals, forwarding and the calendar, with the campaign of Hubei behind them."""

from __future__ import annotations

import re
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.app import create_app
from api.pages.rounds import guard_cell
from api.security import cookie_name
from api.wiring import build_engine
from engine.clock import VirtualClock
from tests.api.world import make_settings
from tests.workflows.rounds.hubei import Hubei, beijing, build_hubei
from workflows.schema import upgrade_schema
from workflows.sessions import open_session


class Pages:
    """Hubei with pages."""

    def __init__(self, world: Hubei, settings: Any) -> None:
        self.world, self.settings, self.app = world, settings, create_app(world.process_engine)

    def client(self, name: str | None = None) -> FlaskClient:
        """A browser of somebody."""
        client = self.app.test_client()
        client.set_cookie(cookie_name("language", self.settings), "zh")
        if name is not None:
            with self.world.process_engine.begin() as work:
                token = open_session(work, self.world[name].id, address="127.0.0.1")
            client.set_cookie(cookie_name("session", self.settings), token)
        return client

    def get(self, path: str, name: str | None = None) -> str:
        """A page's text."""
        answer = self.client(name).get(path.format(campaign=self.world.campaign_id))
        assert answer.status_code == 200, (path, answer.status_code)
        return answer.get_data(as_text=True)

    def post(self, path: str, name: str, data: dict[str, str]) -> Any:
        """Send a form."""
        client = self.client(name)
        page = client.get("/notices").get_data(as_text=True)
        token = re.search(r'name="csrf-token" content="([^"]+)"', page)
        assert token is not None
        sent = {"csrf_token": token[1], "key": uuid.uuid4().hex, **data}
        return client.post(path.format(campaign=self.world.campaign_id), data=sent)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Hubei]:
    """The database with a campaign in its June, written once."""
    folder = tmp_path_factory.mktemp("hubei-pages")
    engine = build_engine(make_settings(folder), clock=VirtualClock(beijing(5, 23, 9)))
    upgrade_schema(engine.database)
    world = build_hubei(engine, engine.clock)  # type: ignore[arg-type]
    world.make_campaign()
    first = world.apply("lab", title="=计量服务产业")
    world.examine("wuhan_auditor", first)
    world.at(beijing(6, 3))
    world.assess(first)
    direct = world.apply("fibre", channel="direct", title="纤维检验助企")
    world.assess(direct)
    world.do("organiser", "publish", {"title": "第一份", "cases": [first], "remark": ""})
    world.do("organiser", "publish", {"title": "第二份", "cases": [direct], "remark": ""})
    world.do("organiser", "forward", {"decision": "forward", "departments": "省经信厅"}, first)
    world.places["first"] = first
    engine.database.dispose()
    return folder, world


@pytest.fixture
def pages(made: tuple[Path, Hubei], tmp_path: Path) -> Iterator[Pages]:
    """A copy of it with the application."""
    folder, world = made
    shutil.copytree(folder, tmp_path / "copy")
    settings = make_settings(tmp_path / "copy")
    engine = build_engine(settings, clock=VirtualClock(beijing(6, 3, 12)))
    engine.definitions.update(world.process_engine.definitions)
    there = Hubei(engine, engine.clock, world.notice_id, world.places, world.people, world.campaign_id)  # type: ignore[arg-type]
    yield Pages(there, settings)
    engine.database.dispose()


def test_brand_and_slogan_stand_on_the_campaigns_pages(pages: Pages) -> None:
    for path in ("/campaigns/{campaign}", "/campaigns/{campaign}/published", "/campaigns/{campaign}/calendar"):
        text = pages.get(path)
        assert "荆楚质汇" in text and "筑基赋能 聚力先行——湖北质量基础设施" in text


def test_rounds_with_counts_for_the_organiser_and_own_ones_for_a_bureau(pages: Pages) -> None:
    text = pages.get("/campaigns/{campaign}/rounds", "organiser")
    assert text.count("2023-") >= 10 and "武汉 1" in text and "直接报送 1" in text
    own = pages.get("/campaigns/{campaign}/rounds", "huangshi_auditor")
    assert "武汉 1" not in own and "直接报送 1" not in own


def test_the_list_of_a_round_and_its_file(pages: Pages) -> None:
    assert "=计量服务产业" in pages.get("/campaigns/{campaign}/rounds/month/2023-05", "organiser")
    answer = pages.client("organiser").get(f"/campaigns/{pages.world.campaign_id}/rounds/month/2023-05/list.csv")
    lines = answer.get_data().decode("utf-8-sig").splitlines()
    assert answer.get_data().startswith(b"\xef\xbb\xbf") and len(lines) == 2
    assert lines[1].split(",")[1] == "'=计量服务产业"
    assert [guard_cell(text) for text in ("a", "+1", "-1", "@x", "\tx", "")] == ["a", "'+1", "'-1", "'@x", "'\tx", ""]


def test_all_publications_are_listed_with_their_days(pages: Pages) -> None:
    text = pages.get("/campaigns/{campaign}/published")
    assert "第一份" in text and "第二份" in text and "持续公布：共 2 次、2 个案例" in text


def test_an_arrival_is_noted_on_the_page_and_nothing_typed_is_lost(pages: Pages) -> None:
    path = f"/cases/{pages.world.places['first']}/arrivals"
    refused = pages.post(path, "organiser", {"channel": "email", "received_at": "", "note": "第二渠道"})
    assert refused.status_code == 422 and 'value="第二渠道"' in refused.get_data(as_text=True)
    sent = {"channel": "email", "received_at": "2023-05-30T10:00", "note": "第二渠道"}
    assert pages.post(path, "wuhan_auditor", sent).status_code == 303
    text = pages.get(f"/cases/{pages.world.places['first']}", "organiser")
    assert "第二渠道" in text and "电子邮箱" in text and "省经信厅" in text


def test_progress_is_reported_by_who_holds_the_activity(pages: Pages) -> None:
    text = pages.get("/campaigns/{campaign}/calendar?month=2023-01", "devices")
    assert text.count("报告进展") >= 4 and "22 项已过期尚无进展" in text
    sent = {"activity": "device_open_day", "occurrence": "2023-01-05", "state": "done", "note": "二十家企业", "month": "2023-01"}
    assert pages.post("/campaigns/{campaign}/calendar", "lab", sent).status_code == 403
    assert pages.post("/campaigns/{campaign}/calendar", "devices", sent).status_code == 303
    after = pages.get("/campaigns/{campaign}/calendar?month=2023-01")
    assert "二十家企业" in after and "21 项已过期尚无进展" in after and "报告进展" not in after
    bad = pages.post("/campaigns/{campaign}/calendar", "devices", {**sent, "state": "perhaps"})
    assert bad.status_code == 422 and "请选择进展" in bad.get_data(as_text=True)


def test_an_occurrence_of_a_series_is_moved_on_the_page_of_deadlines(pages: Pages) -> None:
    address = "/campaigns/{campaign}/deadlines"
    page = pages.get(address, "organiser")
    assert "2023年7月31日24:00" in page and "以后各期一并顺延" in page
    assert 'value="month_ends/2023-05"' not in page  # it has passed
    shown = pages.get(f"{address}/preview?way=extend&date=month_ends/2023-07&new=2023-08-05&rest=yes", "organiser")
    assert shown.count("2023年8月5日24:00") == 1 and "2024年1月5日24:00" in shown
    digest = re.search(r'name="digest" value="([0-9a-f]{64})"', shown)
    assert digest is not None
    typed = {"way": "extend", "date": "month_ends/2023-07", "new": "2023-08-05", "rest": "yes", "digest": digest[1]}
    answer = pages.post(address, "organiser", {**typed, "reason": "汛期", "document_number": "〔2023〕3号"})
    assert answer.status_code == 303
    page = pages.get(address, "organiser")
    assert "〔2023〕3号" in page and "2024年1月5日24:00" in page
    assert "2023年8月5日24:00" in pages.get("/campaigns/{campaign}/rounds", "organiser")
