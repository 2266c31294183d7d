"""`campaign`: making one from the command line, with the words of the page for what is wrong."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from .conftest import Call


@pytest.fixture
def database(model_place: tuple[Path, dict[str, Any]], tmp_path: Path) -> Path:
    """A copy of the world's database."""
    return Path(shutil.copy(model_place[0] / "linxuan.sqlite3", tmp_path / "copy.sqlite3"))


def test_a_campaign_is_made_and_listed(call: Call, database: Path) -> None:
    made = call(
        "campaign", "create", "samr_2022_932", "t-2090", "--by", "organiser", "--date", "collection_cutoff=2090-08-10",
        "--setting", "cut=7", "--setting", "quota.corps_counts_as_province=false", "--body", "甲省=2090-08-01",
        "--body", "乙省市场监督管理局", "--database", database,
    )  # fmt: skip
    assert made.code == 0, made.err
    assert "t-2090" in made.out and "waits to be issued" in made.out
    listed = json.loads(call("campaign", "list", "--json", "--database", database).out)
    assert [(each["key"], each["phase"]) for each in listed] == [("t-2090", "prepared"), ("t2022", "collecting")]
    assert "t-2090  筹备" in call("campaign", "list", "--lang", "zh", "--database", database).out


def test_all_faults_are_told_at_once_and_nothing_is_made(call: Call, database: Path) -> None:
    refused = call(
        "campaign", "create", "samr_2022_932", "T 1", "--by", "organiser", "--setting", "cut=0", "--date", "harvest=2090-01-01",
        "--database", database,
    )  # fmt: skip
    assert refused.code == 1
    for part in ("settings.cut", "dates.harvest", "“T 1” is no key", "would have ended already"):
        assert part in refused.err
    assert len(json.loads(call("campaign", "list", "--json", "--database", database).out)) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nothing", "x", "--by", "organiser"), "holds no notice"),
        (("samr_2022_932", "x", "--by", "nobody"), "no such person"),
        (("samr_2022_932", "x", "--by", "applicant"), "may not"),
        (("samr_2022_932", "x", "--by", "organiser", "--setting", "cut"), "takes NAME=VALUE"),
        (("samr_2022_932", "x", "--by", "organiser", "--body", "丁省"), "丁省"),
    ],
)
def test_what_cannot_be_made_says_why(call: Call, database: Path, arguments: tuple[str, ...], said: str) -> None:
    refused = call("campaign", "create", *arguments, "--database", database)
    assert refused.code == 1 and said in refused.err, refused.err
