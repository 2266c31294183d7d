"""Judges a replay from outside: recomputes every count from the clients' own log and the database.

Imports nothing of the project. Run by `test_replay.py`, and by hand: `python tests/acceptance/checker.py RESULT.json URL`.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

CHINA = ZoneInfo("Asia/Shanghai")
KINDS = {
    "application": "application",
    "correction": "correction",
    "supplement": "supplement",
    "list": "recommendation",
    "report": "report",
    "arrival": "arrival",
}
"""Kind of receipt in the database by channel of the clients' log."""


def moment(value: Any) -> datetime:
    """An aware moment, from ISO text or from the driver."""
    found = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    assert found.tzinfo is not None, f"a moment without offset: {value}"
    return found.astimezone(UTC)


class Checker:
    """Collects what is wrong with a replay; nothing is raised before all was looked at.

    `ended_with_collection` are channels that the organiser ends where no window does.
    """

    ended_with_collection: tuple[str, ...] = ("application",)

    def __init__(self, result: dict[str, Any], url: str) -> None:
        self.result, self.faults = result, []  # type: dict[str, Any], list[str]
        self.engine = sa.create_engine(
            sa.make_url(url).set(drivername="postgresql+psycopg") if url.startswith("postgres") else url
        )

    def rows(self, query: str, **values: Any) -> list[dict[str, Any]]:
        """The rows of a plain query."""
        with self.engine.connect() as connection:
            return [dict(row._mapping) for row in connection.execute(sa.text(query), values)]

    def expect(self, holds: bool, message: str) -> None:
        """Note a fault unless it holds."""
        if not holds:
            self.faults.append(message)

    def check(self) -> list[str]:
        """All that is wrong."""
        self.campaign = self.rows("SELECT * FROM campaign WHERE key = :key", key=self.result["campaign"])[0]
        for part in self.parts():
            part()
        self.engine.dispose()
        return self.faults

    def parts(self) -> tuple[Callable[[], None], ...]:
        """What is looked at."""
        return (
            self.check_submissions,
            self.check_receipts,
            self.check_lists,
            self.check_reviews,
            self.check_published,
            self.check_ends,
            self.check_history,
            self.check_timeline,
        )

    # ---- in time or not ----------------------------------------------------------------------------------------------
    def check_submissions(self) -> None:
        """Nothing late accepted, nothing in time refused, to the second."""
        cutoffs = {cutoff["name"]: moment(cutoff["cutoff_at"]) for cutoff in self.result["cutoffs"]}
        for cutoff in self.result["cutoffs"]:
            last = (moment(cutoff["cutoff_at"]) - timedelta(microseconds=1)).astimezone(CHINA).date().isoformat()
            self.expect(cutoff["due_on"] == last, f"cut-off {cutoff['name']}: due_on {cutoff['due_on']}, should be {last}")
        ended_at = self.read_end_of_collection()
        seen = set()
        for submission in self.result["submissions"]:
            self.expect(submission["id"] not in seen, f"submission id {submission['id']} twice")
            seen.add(submission["id"])
            self.expect(
                moment(submission["sent_at"]) <= moment(submission["answered_at"]), f"{submission['id']}: answered before sent"
            )
            if submission["channel"] == "duplicate":
                self.expect(submission["reason"] == "CaseRecordedAlready", f"{submission['id']}: recorded twice")
                continue
            cutoff = cutoffs[submission["window"]] if submission["window"] else None
            if cutoff is None and submission["channel"] in self.ended_with_collection:
                cutoff = ended_at
            in_time = cutoff is None or moment(submission["sent_at"]) < cutoff
            self.expect(
                (submission["answer"] == "accepted") == in_time,
                f"{submission['id']} sent {submission['sent_at']} was {submission['answer']}, cut-off {submission['window']}",
            )
        for row in self.rows("SELECT * FROM receipt WHERE campaign_id = :id", id=self.campaign["id"]):
            if row["window_id"] is not None:  # what has only a due date is taken late
                early = moment(row["received_at"]) < moment(row["cutoff_at"])
                self.expect(bool(row["accepted"]) == early, f"receipt {row['id']} contradicts its own cut-off")

    def read_end_of_collection(self) -> datetime | None:
        """When the organiser ended the collection, by the campaign's own history: until then is in time what no date bounds."""
        query = "SELECT at, detail FROM history WHERE instance_id = :id ORDER BY seq"
        for entry in self.rows(query, id=self.campaign["instance_id"]):
            detail = json.loads(entry["detail"]) if isinstance(entry["detail"], str) else entry["detail"]
            if "close_collection" in detail.get("passed", ()):
                return moment(entry["at"])
        return None

    def check_receipts(self) -> None:
        """As many receipts as acknowledged submissions, of each kind; each accepted application has its version."""
        acknowledged = Counter(
            KINDS[s["channel"]] for s in self.result["submissions"] if s["answer"] == "accepted" and s["channel"] in KINDS
        )
        stored = Counter(
            row["kind"]
            for row in self.rows("SELECT kind FROM receipt WHERE campaign_id = :id AND accepted", id=self.campaign["id"])
        )
        self.expect(acknowledged == stored, f"acknowledged {dict(acknowledged)}, receipts {dict(stored)}")
        versions = self.rows(
            "SELECT v.case_id, v.version, v.sha256, v.data FROM application_version v JOIN case_ c ON c.id = v.case_id"
            " WHERE c.campaign_id = :id ORDER BY v.case_id, v.version",
            id=self.campaign["id"],
        )
        applications = sum(count for kind, count in stored.items() if kind in ("application", "correction", "supplement"))
        self.expect(len(versions) == applications, f"{len(versions)} versions for {applications} accepted applications")
        by_case: dict[str, list[int]] = defaultdict(list)
        for row in versions:
            by_case[row["case_id"]].append(row["version"])
            data = json.loads(row["data"]) if isinstance(row["data"], str) else row["data"]
            canonical = json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
            self.expect(
                hashlib.sha256(canonical).hexdigest() == row["sha256"],
                f"version {row['version']} of {row['case_id']}: other content",
            )
        for case_id, numbers in by_case.items():
            self.expect(numbers == list(range(1, len(numbers) + 1)), f"case {case_id} has the versions {numbers}")

    def check_lists(self) -> None:
        """Which bodies sent a list in time, and who stayed below the quota."""
        bodies = self.rows(
            "SELECT b.*, o.short_name FROM recommending_body b JOIN organisation o ON o.id = b.organisation_id"
            " WHERE b.campaign_id = :id ORDER BY b.place",
            id=self.campaign["id"],
        )
        sent = {s["subject"] for s in self.result["submissions"] if s["channel"] == "list" and s["answer"] == "accepted"}
        stored = {body["short_name"] for body in bodies if body["recommended_at"] is not None}
        self.expect(sent == stored, f"lists acknowledged for {sorted(sent)}, stored for {sorted(stored)}")
        ranked: dict[str, list[int]] = defaultdict(list)
        for row in self.rows(
            'SELECT body_id, "rank" FROM case_ WHERE campaign_id = :id AND "rank" IS NOT NULL', id=self.campaign["id"]
        ):
            ranked[row["body_id"]].append(row["rank"])
        below = []
        for body in bodies:
            ranks = sorted(ranked[body["organisation_id"]])
            self.expect(ranks == list(range(1, len(ranks) + 1)), f"{body['short_name']} has the ranks {ranks}")
            self.expect(not ranks or body["recommended_at"] is not None, f"{body['short_name']}: ranked cases without a list")
            if body["quota_min"] is not None and len(ranks) < body["quota_min"]:
                below.append(body["short_name"])
        self.expect(below == self.result["below_quota"], f"below quota: {below}, told: {self.result['below_quota']}")

    # ---- review and selection ----------------------------------------------------------------------------------------
    def check_reviews(self) -> None:
        """Each reviewed case has as many reviews as drawn; nobody reviewed a case of the own province."""
        (draw,) = self.rows("SELECT * FROM review_draw WHERE campaign_id = :id", id=self.campaign["id"])
        reviews = self.rows(
            "SELECT r.*, c.number, c.institution_id, c.body_id, p.organisation_id AS home, i.path AS unit_path FROM review r"
            " JOIN case_ c ON c.id = r.case_id JOIN person p ON p.id = r.expert_id JOIN organisation i ON i.id = c.institution_id"
            " WHERE c.campaign_id = :id",
            id=self.campaign["id"],
        )
        self.reviews: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in reviews:
            if row["state"] == "submitted":
                self.reviews[row["number"]].append(row)
            self.expect(row["home"] != row["body_id"], f"{row['number']} went to an expert of its own province")
            self.expect(f"/{row['home']}/" not in row["unit_path"], f"{row['number']} went to an expert of its own region")
        for number, rows in self.reviews.items():
            self.expect(len(rows) == draw["experts_per_case"], f"{number} has {len(rows)} reviews of {draw['experts_per_case']}")
            self.expect(len({row["expert_id"] for row in rows}) == len(rows), f"{number}: one expert twice")
        loads = Counter(row["expert_id"] for rows in self.reviews.values() for row in rows)
        self.expect(
            not loads or max(loads.values()) - min(loads.values()) <= max(6, max(loads.values()) // 2),
            f"uneven loads {sorted(loads.values())}",
        )
        dropped = {row["person_id"] for row in self.rows("SELECT person_id FROM panel_member WHERE state = 'dropped'")}
        self.expect(bool(dropped), "nobody was dropped")
        self.expect(not dropped & set(loads), "a dropped expert's review counts")

    def check_published(self) -> None:
        """The published cases are the best by score, but for upheld objections; recomputed in exact decimals."""
        selection = self.rows("SELECT * FROM selection WHERE campaign_id = :id ORDER BY at", id=self.campaign["id"])[0]
        weights = self.weights()
        scores = {number: self.score(rows, weights, selection["method"]) for number, rows in self.reviews.items()}
        upheld = {
            row["number"]
            for row in self.rows(
                "SELECT c.number FROM comment o JOIN case_ c ON c.id = o.case_id"
                " WHERE o.campaign_id = :id AND o.kind = 'objection' AND o.state = 'adopted'",
                id=self.campaign["id"],
            )
        }
        told = [item["number"] for item in self.result["published"]]
        stored = [
            row["number"]
            for row in self.rows(
                "SELECT c.number FROM publication_item i JOIN publication p ON p.id = i.publication_id"
                " JOIN case_ c ON c.id = i.case_id WHERE p.campaign_id = :id ORDER BY i.place",
                id=self.campaign["id"],
            )
        ]
        self.expect(told == stored, "the published list told is not the one stored")
        eligible = {number: score for number, score in scores.items() if number not in upheld}
        wanted = min(selection["cut"], len(eligible))
        self.expect(len(told) == wanted, f"{len(told)} published, should be {wanted}")
        self.expect(not upheld & set(told), "a case with an upheld objection was published")
        if told and len(told) < len(eligible):
            worst = min(eligible[number] for number in told)
            better = sorted(number for number, score in eligible.items() if score > worst and number not in told)
            self.expect(not better, f"better than the last published, and left out: {better}")
        states = Counter(
            row["state"] for row in self.rows("SELECT state FROM case_ WHERE campaign_id = :id", id=self.campaign["id"])
        )
        self.expect(states["published"] == len(told), f"{states['published']} cases in state published, {len(told)} told")

    def weights(self) -> dict[str, Decimal]:
        """Weight of each demand, as the deployed notice says."""
        (row,) = self.rows("SELECT content FROM notice WHERE id = :id", id=self.campaign["notice_id"])
        content = json.loads(row["content"]) if isinstance(row["content"], str) else row["content"]
        return {demand["key"]: Decimal(str(demand["weight"]["value"])) for demand in content["demands"]}

    @staticmethod
    def score(rows: list[dict[str, Any]], weights: dict[str, Decimal], method: str) -> Decimal:
        """Mean of the weighted totals; `trimmed` leaves out one highest and one lowest of five or more."""
        totals = []
        for row in rows:
            given = json.loads(row["scores"]) if isinstance(row["scores"], str) else row["scores"]
            totals.append(sum(Decimal(str(given[key])) * weight for key, weight in weights.items()) / sum(weights.values()))
        totals.sort()
        if method == "trimmed" and len(totals) >= 5:
            totals = totals[1:-1]
        return sum(totals, Decimal(0)) / len(totals)

    # ---- ends, evidence, timeline ------------------------------------------------------------------------------------
    def check_ends(self) -> None:
        """All instances have ended, nothing waits, nothing gave up."""
        self.expect(
            not self.result["incidents"] and not self.rows("SELECT * FROM incident"), f"incidents: {self.result['incidents']}"
        )
        running = [
            row["business_key"]
            for row in self.rows("SELECT business_key FROM instance WHERE state NOT IN ('ended', 'cancelled')")
        ]
        self.expect(
            not running and not self.result["open_instances"], f"still running: {running}, told: {self.result['open_instances']}"
        )
        for table, state in (("user_task", "open"), ("timer", "armed"), ("message", "waiting"), ("message", "unmatched")):
            left = self.rows(f"SELECT * FROM {table} WHERE state = '{state}'")
            about = [row.get("element_id") or row.get("name") or row.get("handler") for row in left]
            self.expect(not left, f"{len(left)} rows of {table} still {state}: {Counter(about)}")
        self.expect(not self.rows("SELECT * FROM subscription"), "somebody still waits for a message")

    def check_history(self) -> None:
        """The chains of all instances, hashed anew."""
        heads = {row["id"]: row for row in self.rows("SELECT id, history_count, history_hash FROM instance")}
        last: dict[str, tuple[int, str]] = {}
        for row in self.rows("SELECT * FROM history ORDER BY instance_id, seq"):
            seq, previous = last.get(row["instance_id"], (0, "0" * 64))
            at = moment(row["at"]).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            detail = json.loads(row["detail"]) if isinstance(row["detail"], str) else row["detail"]
            content = [
                row["instance_id"],
                seq + 1,
                at,
                row["kind"],
                row["element_id"],
                row["token"],
                row["by"],
                row["on_behalf_of"],
                detail,
            ]
            text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
            digest = hashlib.sha256(previous.encode() + text.encode())
            whole = row["seq"] == seq + 1 and digest.digest() == bytes(row["hash"])
            self.expect(whole, f"history of {row['instance_id']} is broken at {row['seq']}")
            last[row["instance_id"]] = (row["seq"], digest.hexdigest())
        for instance_id, head in heads.items():
            self.expect(
                last.get(instance_id) == (head["history_count"], head["history_hash"]), f"head of {instance_id} is another"
            )

    def check_timeline(self) -> None:
        """Entries are in order, complete in form, and hold what must be there."""
        timeline = self.result["timeline"]
        for entry in timeline:
            self.expect(set(entry) == {"at", "due_on", "event", "subject"}, f"entry {entry}")
        moments = [moment(entry["at"]) for entry in timeline]
        self.expect(moments == sorted(moments), "the timeline is not in order")
        events = Counter(entry["event"] for entry in timeline)
        self.expect(events["cutoff"] == len(self.result["cutoffs"]), "not every cut-off is on the timeline")
        for kind in KINDS.values():
            told = events[f"{kind}.accepted"]
            accepted = sum(s["answer"] == "accepted" and KINDS.get(s["channel"]) == kind for s in self.result["submissions"])
            self.expect(told == accepted, f"{told} entries {kind}.accepted for {accepted} acknowledged")


class RoundsChecker(Checker):
    """Judges a campaign with rounds: which round each case is in is computed anew from when it came and was accepted."""

    MONTHS = [f"2023-{month:02}" for month in range(5, 13)]
    BATCHES = {"2023-H1": "2023-06-30", "2023-H2": "2023-11-30"}

    def parts(self) -> tuple[Callable[[], None], ...]:
        """No experts and no selection; rounds, publications and the calendar instead."""
        whole = (self.check_submissions, self.check_receipts, self.check_lists, self.check_ends, self.check_history)
        return (*whole, self.check_timeline, self.check_rounds, self.check_publications, self.check_calendar)

    def days(self) -> dict[tuple[str, str], date]:
        """The last day of each round, by hand."""
        ends = {}
        for name in self.MONTHS:
            year, month = int(name[:4]), int(name[5:])
            ends[("month", name)] = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
        return ends | {("batch", name): date.fromisoformat(day) for name, day in self.BATCHES.items()}

    def check_rounds(self) -> None:
        """All days are there; each case is in the round of its moment, to the second, and in one of each cadence at most."""
        days = self.days()
        due = {(cutoff["name"], cutoff["due_on"]) for cutoff in self.result["cutoffs"] if "/2023-" in cutoff["name"]}
        self.expect(due == {(f"{plan}/{name}", day.isoformat()) for (plan, name), day in days.items()}, f"cut-offs {sorted(due)}")
        ends = {key: datetime.combine(day + timedelta(days=1), time(), CHINA) for key, day in days.items()}
        told = {(each["plan"], each["period"]): each for each in self.result["rounds"]}
        self.expect(set(told) == set(days), f"rounds {sorted(told)}")
        for key, each in told.items():
            self.expect(each["due_on"] == days[key].isoformat(), f"{key}: due on {each['due_on']}")
            self.expect(moment(each["closed_at"]) >= ends[key], f"{key} was rolled up before its end")
            self.expect(key[0] == "month" or each["publicised"], f"{key} was not publicised")
        cases = self.rows("SELECT c.* FROM case_ c WHERE c.campaign_id = :id ORDER BY c.number", id=self.campaign["id"])
        assessed = {
            row["case_id"]: moment(row["at"])
            for row in self.rows("SELECT case_id, at FROM audit WHERE kind = 'assessment' AND result = 'pass'")
        }
        arrived: dict[str, datetime] = {}
        for row in cases:
            sent = [
                moment(line["at"])
                for line in self.result["timeline"]
                if line["subject"] == row["number"]
                and line["event"] == ("application.accepted" if row["body_id"] is None else "report.accepted")
            ]
            if sent:
                arrived[row["number"]] = min(sent)
        accepted = {row["number"]: assessed[row["id"]] for row in cases if row["id"] in assessed}
        for plan, moments in (("month", arrived), ("batch", accepted)):
            wanted: dict[tuple[str, str], set[str]] = {key: set() for key in days if key[0] == plan}
            rest = set()
            for number, when in moments.items():
                rounds = sorted((end, key) for key, end in ends.items() if key[0] == plan and when < end)
                wanted[rounds[0][1]].add(number) if rounds else rest.add(number)
            listed = [item["number"] for key in wanted for item in told[key]["cases"]]
            self.expect(len(listed) == len(set(listed)), f"{plan}: a case in two rounds")
            for key, numbers in wanted.items():
                found = {item["number"] for item in told[key]["cases"] if not item["placed"]}
                self.expect(found == numbers, f"{key}: {sorted(found ^ numbers)} are in the wrong round")
                placed = {item["number"] for item in told[key]["cases"] if item["placed"]}
                self.expect(placed <= rest, f"{key}: {sorted(placed - rest)} were placed by hand")

    def check_publications(self) -> None:
        """Continuously: several lists, each case once, none before it was accepted, all of them in the end."""
        published = {item["number"]: moment(item["published_at"]) for item in self.result["published"]}
        self.expect(len(published) == len(self.result["published"]), "a case was published twice")
        self.expect(len(set(published.values())) > 2, "not published continuously")
        accepted = self.rows(
            "SELECT number, accepted_at FROM case_ WHERE campaign_id = :id AND accepted_at IS NOT NULL", id=self.campaign["id"]
        )
        self.expect({row["number"] for row in accepted} == set(published), "accepted and not published, or the other way round")

    def check_calendar(self) -> None:
        """Every Thursday of 2023, and sixteen ranges."""
        days = [date(2023, 1, 1) + timedelta(days=number) for number in range(365)]
        weekly = [line["first"] for line in self.result["calendar"] if line["first"] == line["last"]]
        self.expect(weekly == [day.isoformat() for day in days if day.weekday() == 3], "not every Thursday")
        self.expect(len({line["activity"] for line in self.result["calendar"]}) == 17, "not seventeen activities")


if __name__ == "__main__":
    result = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    judge = RoundsChecker if result.get("rounds") else Checker
    found = judge(result, sys.argv[2]).check()
    print("\n".join(found) or "nothing wrong")
    raise SystemExit(bool(found))
