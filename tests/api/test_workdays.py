"""The page of the work days, and what organisers see after they were changed."""

from __future__ import annotations

import re
from datetime import timedelta

from tests.api.world import Place, send

SHOWN = "/workdays/2022"


def test_an_administrator_enters_and_removes_a_day(place: Place) -> None:
    client = place.client("administrator")
    typed = {"day": "2022-08-08", "kind": "holiday", "name_zh": "机关搬迁", "name_en": "", "source": ""}
    refused = send(client, SHOWN, f"{SHOWN}/days", typed)
    assert refused.status_code == 422
    assert "机关搬迁" in refused.get_data(as_text=True)  # nothing typed is lost
    assert send(client, SHOWN, f"{SHOWN}/days", {**typed, "source": "局办〔2022〕18号"}).status_code == 303
    page = client.get(SHOWN).get_data(as_text=True)
    assert "全年共 248 个工作日" in page
    assert "局办〔2022〕18号" in page
    assert send(client, SHOWN, f"{SHOWN}/days/2022-08-08/remove", {"source": "局办〔2022〕20号"}).status_code == 303
    assert "全年共 249 个工作日" in client.get(SHOWN).get_data(as_text=True)
    assert "登记一天" not in place.client("organiser").get(SHOWN).get_data(as_text=True)


def test_a_year_is_imported_after_a_preview(place: Place) -> None:
    client, shown = place.client("administrator"), "/workdays/2099"
    assert "尚未公布" in client.get(shown).get_data(as_text=True)
    content = "first,last,kind,name_zh\n2099-10-01,2099-10-07,休,国庆节\n2099-10-10,,班,国庆节"
    typed = {"content": content, "import_source": "国办发明电〔2098〕1号"}
    faulty = send(client, shown, f"{shown}/import", {**typed, "content": content.replace("班", "半")})
    assert (faulty.status_code, "第 3 行" in faulty.get_data(as_text=True)) == (422, True)
    preview = send(client, shown, f"{shown}/import", typed)
    assert preview.status_code == 200
    found = re.search(r'name="digest" value="([0-9a-f]{64})"', preview.get_data(as_text=True))
    assert found is not None
    assert "没有正在进行的征集因此变晚" in preview.get_data(as_text=True)
    assert "尚未公布" in client.get(shown).get_data(as_text=True)
    outdated = send(client, shown, f"{shown}/import", {**typed, "digest": "0" * 64})
    assert outdated.status_code == 409
    assert send(client, shown, f"{shown}/import", {**typed, "digest": found[1]}).status_code == 303
    assert "国办发明电〔2098〕1号" in client.get(shown).get_data(as_text=True)


def test_the_organiser_is_asked_after_a_change_and_declines(place: Place) -> None:
    organiser, address = place.client("organiser"), f"/campaigns/{place.campaign}/deadlines"
    assert "way=recount" not in organiser.get(address).get_data(as_text=True)
    assert organiser.get(f"{address}/preview?way=recount").status_code == 422
    place.move_to(place.clock.now() + timedelta(minutes=1))
    typed = {"day": "2022-08-08", "kind": "holiday", "name_zh": "机关搬迁", "source": "局办〔2022〕18号"}
    send(place.client("administrator"), SHOWN, f"{SHOWN}/days", typed)
    assert "way=recount" in organiser.get(address).get_data(as_text=True)
    preview = organiser.get(f"{address}/preview?way=recount").get_data(as_text=True)
    assert "2022-08-08" in preview
    found = re.search(r'name="digest" value="([0-9a-f]{64})"', preview)
    assert found is not None
    place.move_to(place.clock.now() + timedelta(minutes=1))
    said = {"way": "recount", "digest": found[1], "reason": "期限已公布", "document_number": "局办〔2022〕18号", "decline": "1"}
    assert send(organiser, f"{address}/preview?way=recount", address, said).status_code == 303
    assert "way=recount" not in organiser.get(address).get_data(as_text=True)
    assert "决定不调整期限" in organiser.get(f"/campaigns/{place.campaign}/history").get_data(as_text=True)
