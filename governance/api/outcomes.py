"""The truth about an output, learnt later: `POST outcomes/`."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance import clock
from governance.api.authentication import caller
from governance.api.docs import ANYTHING, ID, MAYBE_TIME, TEXT, TIME, YES_NO, described, of
from governance.api.parsing import members, text
from governance.contracts.values import MISSING
from governance.models import Outcome
from governance.monitoring import outcomes
from governance.policies.canonical import canonical_bytes
from governance.policies.operators import instant
from governance.refusals import Invalid, NotAllowed, Problem

MEMBERS = ("external_id", "correct", "output", "corrected", "source", "observed_at")
SENT = of(
    {
        "external_id": TEXT,
        "correct": YES_NO,
        "output": ANYTHING,
        "corrected": ANYTHING,
        "source": TEXT,
        "observed_at": TIME,
    },
    optional=("external_id", "output", "corrected", "source", "observed_at"),
)
KEPT = of({"id": ID, "output": ID, "external_id": TEXT, "correct": YES_NO, "source": TEXT, "observed_at": MAYBE_TIME,
           "received_at": TIME})  # fmt: skip


class Outcomes(APIView):
    """What became known of an output outside: a complaint upheld, a payment bounced, a diagnosis confirmed."""

    required_scopes: ClassVar = {"POST": "outcomes:write"}

    @described(
        "Tell what an output turned out to be", body=SENT, answers={201: KEPT, 200: KEPT}, scope="outcomes:write",
        more="Name the output by `external_id`, with what would have been right in `output`; or, without it, by "
        "its id in `output`, and what would have been right in `corrected`. The same again answers 200. Outcomes open "
        "incidents and are never labels, because nobody drew them at random.",
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        who = caller(request)
        if who.key is None:
            raise NotAllowed("Only a program with a key tells outcomes; a person opens an incident.")
        sent = members(request.data, allowed=MEMBERS, required=("correct",))
        kept, is_new = outcomes.tell(
            who.key.system, by=who.actor, is_correct=_correct(sent), source=text(sent, "source", longest=120),
            observed_at=_moment(sent), key=who.key.pk, **_which(sent),
        )  # fmt: skip
        return Response(_told(kept), status=201 if is_new else 200)


def _told(kept: Outcome) -> dict[str, Any]:
    return {
        "id": kept.pk, "output": kept.output_id, "external_id": kept.output.external_id, "correct": kept.is_correct,
        "source": kept.source, "observed_at": kept.observed_at, "received_at": kept.received_at,
    }  # fmt: skip


def _correct(sent: dict[str, Any]) -> bool:
    if not isinstance(sent["correct"], bool):
        raise _wrong("correct", "This is true or false.")
    return sent["correct"]


def _which(sent: dict[str, Any]) -> dict[str, Any]:
    """The output that is meant, and what it should have been."""
    corrected = sent.get("corrected", MISSING)
    if "external_id" in sent:
        found: dict[str, Any] = {"external_id": text(sent, "external_id", longest=200)}
        corrected = sent.get("output", corrected)
    else:
        found = {"output": _id(sent)}
    if corrected is not MISSING:
        if sent["correct"] is True:
            raise _wrong("output" if "external_id" in sent else "corrected", "What was correct needs no other output.")
        canonical_bytes(corrected)
    return found | {"corrected": corrected}


def _id(sent: dict[str, Any]) -> UUID:
    try:
        return UUID(text(sent, "output", longest=36))
    except ValueError:
        raise _wrong("output", "Name the output: its external_id, or here its id.") from None


def _moment(sent: dict[str, Any]) -> datetime | None:
    if "observed_at" not in sent:
        return None
    moment = instant(text(sent, "observed_at", longest=40))
    if moment is None:
        raise _wrong("observed_at", "This is a time such as 2026-03-01T00:00:00Z.")
    if moment > clock.now():
        raise _wrong("observed_at", "This lies in the future.")
    return moment


def _wrong(name: str, detail: str) -> Invalid:
    return Invalid(f"/{name}: {detail}", errors=[Problem(f"/{name}", "invalid", detail)])
