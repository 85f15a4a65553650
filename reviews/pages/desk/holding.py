"""Until when an item is held: what the three buttons mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from django.http import QueryDict

from governance import clock
from governance.refusals import Invalid, Problem

MORNING: Final = 9
_WRONG: Final = "Hold it for an hour, until tomorrow morning, or for three days."


def until(data: QueryDict, now: datetime | None = None) -> datetime:
    """The moment that a posted `until` names: `hour` (when nothing is said), `morning` (tomorrow 9:00 UTC) or `days`
    (three). Raises Invalid."""
    now = (now or clock.now()).astimezone(UTC)
    tomorrow = (now + timedelta(days=1)).replace(hour=MORNING, minute=0, second=0, microsecond=0)
    ends = {"hour": now + timedelta(hours=1), "morning": tomorrow, "days": now + timedelta(days=3)}
    said = data.get("until", "hour")
    if said not in ends:
        raise Invalid(_WRONG, errors=[Problem("/until", "unknown-choice", _WRONG)])
    return ends[said]
