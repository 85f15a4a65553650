"""Erasing an output: what the AI was given and said, and what people wrote about it. What happened stays proven."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from governance.evidence import erasing
from governance.evidence.erasing import Why
from governance.models import Entry, Output, OutputContent, System
from governance.people.actors import Actor
from governance.refusals import Conflict, NotFound
from reviews.models import Decision, Item, Seat

_NO_CONTEXT = json.dumps({"alternatives": [], "attributes": {}, "callback_url": None, "explanation": None})


@transaction.atomic
def erase_output(id: UUID, *, by: Actor, because: str, why: Why = "request") -> None:
    """Erases the content of an output, its salts, and the comments, reasons and corrections about it.

    Raises NotFound, Conflict while a person has still to decide or when it is erased already, Invalid without a reason.
    """
    output = Output.objects.select_for_update(of=("self",)).filter(pk=id).first()
    if output is None:
        raise NotFound("There is no such output.")
    items = list(Item.objects.select_for_update(of=("self",)).filter(output=output))
    if any(item.state != "closed" for item in items):
        raise Conflict("This output waits for a person: it can be erased once it is decided.")
    content = OutputContent.objects.select_for_update().get(output=output)
    judged = Entry.objects.get(subject=output.pk, rev=1)
    here = {} if not bytes(content.salt_key) else {judged.pk: erasing.committed(judged)}
    ids = [item.pk for item in items]
    subjects = [output.pk, *ids, *Seat.objects.filter(item__in=ids).values_list("pk", flat=True)]
    erasing.erase(
        subjects, kind="output", id=output.pk, system=output.system_id, by=by, why=why, because=because,
        kept_elsewhere=here,
    )  # fmt: skip
    OutputContent.objects.filter(output=output).update(
        salt_key=b"", input="{}", answer="null", context=_NO_CONTEXT, gate_inputs="{}",
        verdict=_without_values(content.verdict),
    )  # fmt: skip
    # A digest of the body would let anybody try guesses at it.
    Output.objects.filter(pk=output.pk).update(body_digest=os.urandom(32))
    Decision.objects.filter(output=output).update(ai_said="", person_said="", search=None)


def due(system: System, *, older_than: timedelta, limit: int) -> list[UUID]:
    """The outputs of a system, oldest first, whose content is older than that and not erased yet."""
    found = Output.objects.filter(system=system, received_at__lt=Now() - older_than).exclude(content__salt_key=b"")
    return list(found.exclude(items__state__in=("open", "awaiting_second", "adjudication")).order_by("pk")
                .values_list("pk", flat=True)[:limit])  # fmt: skip


def _without_values(verdict: str) -> str:
    """The verdict as it was told, without the values that conditions read and the sentence that may quote one."""
    told = json.loads(verdict)
    told["trace"] = [{**step, "values": {}} for step in told["trace"]]
    for step in told["trace"]:
        step.pop("problems", None)
    return json.dumps(told)
