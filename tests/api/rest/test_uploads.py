"""Files of programs in pieces: begun, gone on with after a break, kept with the last piece; refused as whole ones are."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from tests.api.world import Place
from workflows.files import LARGEST_PIECE

FILE = b"%PDF-1.7\n" + b"x" * 1000 + b"\n%%EOF\n"
TOLD = {"name": "盖章.pdf", "size": len(FILE), "sha256": hashlib.sha256(FILE).hexdigest()}


@pytest.fixture
def task(place: Place) -> str:
    """The first task of an application of `applicant`."""
    return place.start()[1]


def test_a_file_comes_in_pieces(call: Any, task: str) -> None:
    mine = call("applicant")
    begun = mine.post(f"/tasks/{task}/fields/seal_scan/uploads", TOLD, key="k")
    assert begun.status_code == 201 and begun.json["offset"] == 0 and begun.json["file"] is None
    address = f"/tasks/{task}/uploads/{begun.json['id']}"
    first = mine.patch(address, FILE[:100], Upload_Offset="0")
    assert (first.status_code, first.json["offset"], first.headers["Upload-Offset"]) == (200, 100, "100")
    for offset in ("0", "101", "x"):
        wrong = mine.patch(address, b"y", Upload_Offset=offset)
        assert (wrong.status_code, wrong.mimetype) == (409, "application/problem+json")
        assert (wrong.json["code"], wrong.headers["Upload-Offset"]) == ("PartOffsetWrong", "100")
    seen = mine.client.head(f"/api/v1{address}", headers=mine.proof({}))
    assert (seen.status_code, seen.headers["Upload-Offset"], seen.data) == (200, "100", b"")
    assert mine.post(f"/tasks/{task}/fields/seal_scan/uploads", TOLD, key="k").json["offset"] == 100  # as it is by now
    assert mine.post(f"/tasks/{task}/fields/seal_scan/uploads", {**TOLD, "size": 1}, key="k").json["code"] == "KeyReused"
    last = mine.patch(address, FILE[100:], Upload_Offset="100")
    assert (last.json["offset"], last.json["file"]["name"]) == (len(FILE), "盖章.pdf")
    again = mine.patch(address, b"", Upload_Offset=str(len(FILE)))  # whoever did not hear the answer
    assert again.json["file"]["id"] == last.json["file"]["id"]
    assert mine.get(f"/files/{last.json['file']['id']}").data == FILE
    assert mine.get(f"/tasks/{task}").json["files"][0]["id"] == last.json["file"]["id"]


def test_what_is_no_file_of_this_field_is_refused(call: Any, task: str, place: Place) -> None:
    mine, address = call("applicant"), f"/tasks/{task}/fields/seal_scan/uploads"
    refused = {
        "FileTypeRefused": {**TOLD, "name": "a.exe"},
        "FileTooLarge": {**TOLD, "size": 2**40},
        "RequestInvalid": {"name": "a.pdf", "size": 0},
    }
    for code, told in refused.items():
        answer = mine.post(address, told)
        assert (answer.json["code"], answer.mimetype) == (code, "application/problem+json")
    begun = f"/tasks/{task}/uploads/{mine.post(address, {**TOLD, 'sha256': '0' * 64}).json['id']}"
    assert call("applicant_b").get(begun).status_code == 404
    assert call("applicant", "read").patch(begun, b"x", Upload_Offset="0").status_code == 403
    assert mine.put(begun, {}).status_code == 405
    assert mine.client.patch(f"/api/v1{begun}", json={}, headers=mine.proof({"Upload-Offset": "0"})).status_code == 415
    assert mine.patch(begun, b"x" * (LARGEST_PIECE + 1), Upload_Offset="0").status_code in (413, 422)
    damaged = mine.patch(begun, FILE, Upload_Offset="0")
    assert (damaged.json["code"], mine.get(begun).status_code) == ("PartDamaged", 404)  # it is forgotten
    other = f"/tasks/{task}/uploads/{mine.post(address, TOLD).json['id']}"
    gone = mine.client.delete(f"/api/v1{other}", headers=mine.proof({}))
    assert gone.status_code == 200 and mine.get(other).json["code"] == "PartUnknown"
