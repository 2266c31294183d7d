"""Cron texts: five fields (minute, hour, day of the month, month, day of the week), as crontab(5) reads them.

Read by croniter, on the wall clock of the zone. Where both a day of the month and a day of the week are given either is enough.
Beyond crontab(5) the day may be `L`, the month's last one.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from croniter import CroniterBadDateError, CroniterError, croniter

from engine.moments.instants import MomentInvalid

_NUMBERS = r"[0-9*/,-]+"
_NAMED = r"[0-9A-Za-z*/,-]+"
_CRON = re.compile(rf"{_NUMBERS} +{_NUMBERS} +(?:{_NUMBERS}|L) +{_NAMED} +{_NAMED}")
_FIELDS = re.compile(r"(?:(?=[^ ]*[0-9*])[0-9*/,-]+ +){2}[^ ]+(?: +[^ ]+){2,4}")


def is_cron(text: str) -> bool:
    """Whether a text wants to be one: five to seven fields, the first two of numbers and stars."""
    return _FIELDS.fullmatch(text) is not None


def next_match(text: str, after: datetime, zone: ZoneInfo) -> datetime:
    """The first moment after `after` that the text names, in UTC.

    Raises MomentInvalid, also when it names none.
    """
    if not _CRON.fullmatch(text):
        raise MomentInvalid(text, "moment_no_cron")
    wall = after.astimezone(zone).replace(tzinfo=None)
    try:
        found: datetime = croniter(text, wall).get_next(datetime)
    except CroniterBadDateError:
        raise MomentInvalid(text, "moment_cron_never") from None
    except CroniterError:
        raise MomentInvalid(text, "moment_no_cron") from None
    except OverflowError:
        raise MomentInvalid(text, "moment_out_of_range") from None
    return found.replace(tzinfo=zone).astimezone(UTC)
