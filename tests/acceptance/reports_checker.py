"""Judges a replay with reports from outside: who reported when, who was late, who never did, recomputed from the clients' log.

Imports nothing of the project, as `checker.py`.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Any

from checker import Checker, moment


class ReportsChecker(Checker):
    """`due` are the days by plan and period that must be there, as somebody reads them in the notice; None: not known before.

    `bodies` is how many report each; `ends` is False for a run that stays without confirmed dates.
    """

    ended_with_collection = ("application", "supplement")

    def __init__(
        self, result: dict[str, Any], url: str, *, due: dict[tuple[str, str], str], bodies: int, ends: bool = True
    ) -> None:
        super().__init__(result, url)
        self.due, self.bodies, self.ends = due, bodies, ends

    def parts(self) -> tuple[Callable[[], None], ...]:
        """No windows, lists or experts; reports instead."""
        whole = (self.check_submissions, self.check_receipts, self.check_history, self.check_timeline, self.check_reports)
        return (*whole, self.check_versions, *((self.check_ends,) if self.ends else ()))

    def check_reports(self) -> None:
        """Each body owes each report once; late is what was first sent at the due moment or after; closed is what never came."""
        rows = self.rows(
            "SELECT r.*, o.short_name FROM report r JOIN organisation o ON o.id = r.reporter_id"
            " WHERE r.campaign_id = :id ORDER BY r.number",
            id=self.campaign["id"],
        )
        sent: dict[str, list[datetime]] = defaultdict(list)
        for submission in self.result["submissions"]:
            if submission["channel"] == "report" and submission["answer"] == "accepted":
                sent[submission["subject"]].append(moment(submission["sent_at"]))
        told = {each["number"]: each for each in self.result["reports"]}
        self.expect(set(told) == {row["number"] for row in rows}, "the reports told are not those stored")
        by_plan: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        for row in rows:
            each = told.get(row["number"], {})
            due_at = None if row["due_at"] is None else moment(row["due_at"])
            first = min(sent[row["number"]], default=None)
            if due_at is not None:
                by_plan[(row["plan"], row["period"])].append(row)
            state = "closed" if first is None else "accepted"
            late = first is not None and due_at is not None and first >= due_at
            self.expect(
                (row["state"], each.get("state")) == (state, state), f"{row['number']} is {row['state']}, should be {state}"
            )
            self.expect(each.get("late") == late, f"{row['number']}: late is told as {each.get('late')}, should be {late}")
            stored = None if row["received_at"] is None else moment(row["received_at"])
            self.expect(stored == first, f"{row['number']} was received {stored}, sent {first}")
        for key, found in by_plan.items():
            self.expect(len({row["reporter_id"] for row in found}) == len(found) == self.bodies, f"{key}: {len(found)} reports")
            days = {told[row["number"]]["due_on"] for row in found}
            self.expect(days == {self.due.get(key)}, f"{key} is due on {sorted(map(str, days))}, should be {self.due.get(key)}")
        self.expect(set(by_plan) == set(self.due), f"reports {sorted(by_plan)}, should be {sorted(self.due)}")
        counts: dict[str, int] = defaultdict(int)
        for row in rows:
            counts[row["state"]] += 1
        self.expect(
            self.result["counts"]["reports"] == counts, f"counts {self.result['counts']['reports']}, stored {dict(counts)}"
        )

    def check_versions(self) -> None:
        """Versions are numbered without gaps and hold what their digest and their receipt say."""
        receipts: dict[str, list[str]] = defaultdict(list)
        for row in self.rows("SELECT report_id, sha256 FROM receipt WHERE kind = 'report' ORDER BY received_at, id"):
            receipts[row["report_id"]].append(row["sha256"])
        versions: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in self.rows("SELECT * FROM report_version ORDER BY report_id, version"):
            versions[row["report_id"]].append(row)
            data = json.loads(row["data"]) if isinstance(row["data"], str) else row["data"]
            canonical = json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
            whole = hashlib.sha256(canonical).hexdigest() == row["sha256"]
            self.expect(whole, f"version {row['version']} of report {row['report_id']}: other content")
        self.expect(set(receipts) == set(versions), "receipts and versions of other reports")
        for report_id, found in versions.items():
            numbers = [row["version"] for row in found]
            self.expect(numbers == list(range(1, len(numbers) + 1)), f"report {report_id} has the versions {numbers}")
            self.expect([row["sha256"] for row in found] == receipts[report_id], f"report {report_id}: other receipts")
