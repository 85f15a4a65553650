"""The steps that a proposal's page offers: each button is one verb."""

from datetime import UTC, datetime
from typing import NamedTuple

from django.http import HttpRequest

from governance.models import PolicyVersion, System
from governance.pages import access
from governance.pages.trials import share_of
from governance.policies import amending, lifecycle, trials
from governance.refusals import Invalid
from governance.tuning import replaying


class Done(NamedTuple):
    """What was done, and the number of the version to go on with."""

    sentence: str
    number: int


def step(request: HttpRequest, system: System, version: PolicyVersion) -> Done:
    """Does what the button says. Raises what the verbs raise, and Invalid for a button that there is not."""
    by, said, number = access.actor(request, system), request.POST, version.number
    signed = {"digest": said.get("digest", ""), "replay": said.get("replay", ""),
              "comment": said.get("comment", "").strip()[:2000]}  # fmt: skip
    match said.get("do"):
        case "approve":
            lifecycle.approve(version, by=by, **signed)
            return Done(f"You have signed policy {number}.", number)
        case "decline":
            lifecycle.decline(version, by=by, **signed)
            return Done(f"You have declined policy {number}.", number)
        case "activate":
            retimed = lifecycle.retimed_by(lifecycle.activate(version, by=by))
            also = f" {retimed} open item{'' if retimed == 1 else 's'} are timed anew by it." if retimed else ""
            return Done(f"Policy {number} is in force.{also}", number)
        case "shadow":
            trials.shadow(version, by=by)
            return Done(f"Policy {number} runs in the shadow of the one in force.", number)
        case "canary":
            trials.canary(version, share=share_of(said.get("share", "")), by=by)
            return Done(f"Policy {number} judges its share of the outputs.", number)
        case "replay":
            replaying.attach(version, by=by, days=_days(said.get("days", "")))
            return Done(f"Policy {number} was replayed. Signatures given before have lapsed.", number)
        case "schedule":
            at = _moment(said.get("at", ""))
            amending.schedule(version, at=at, by=by)
            return Done(f"Policy {number} {'begins by itself' if at else 'begins when somebody says so'}.", number)
        case "rebase":
            newer = amending.rebase(version, by=by).version
            return Done(f"It is policy {newer.number} now, and nobody has signed it yet.", newer.number)
        case "ask":
            amending.ask(version, by=by, text=said.get("text", ""))
            return Done("Your question stands beside the signatures.", number)
    raise Invalid("A proposal can be approved, declined, asked about, replayed, scheduled or put in force.")


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 4):
        raise Invalid("The days to look back are a whole number.")
    return int(text)


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None
    except ValueError as error:
        raise Invalid("The hour is written as 2026-12-01T08:00, in UTC.") from error
