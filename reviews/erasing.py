"""Erasing an output: what the AI was given and said, its name at its producer's, and what people wrote about it; one by
one, or by the retention of the policies in force. What happened stays proven."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Case, Count, Value, When
from django.db.models.functions import Now

from governance.evidence import erasing
from governance.evidence.erasing import Why
from governance.models import Entry, Incident, KnownAnswer, Outcome, Output, OutputContent, Payload, System
from governance.people.actors import Actor, machine
from governance.policies.registry import compiled
from governance.refusals import Conflict, NotFound
from reviews.models import Decision, Delivery, Item, Precedent, Seat

RETENTION = machine("retention")
_GONE = "Erased with its output."
# The payloads of entries, as a preview names them.
_SAYS = {
    "comment": "comments of reviewers", "output": "corrections", "note": "notes between reviewers",
    "reason": "reasons in words", "title": "titles of incidents", "containment": "what was done about incidents",
    "cause": "causes of incidents", "source": "sources of outcomes",
}  # fmt: skip
_OF_INCIDENTS = ("containment", "cause", "reason")
_NO_CONTEXT = json.dumps({"alternatives": [], "attributes": {}, "callback_url": None, "explanation": None})


@transaction.atomic
def erase_output(id: UUID, *, by: Actor, because: str, why: Why = "request") -> None:
    """Erases the content of an output, its salts, its external id, and what people wrote about it: comments, reasons,
    corrections, notes, incidents, outcomes. The same external id is a new output from then on.

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
    erasing.erase(
        _subjects(output), kind="output", id=output.pk, system=output.system_id, by=by, why=why, because=because,
        kept_elsewhere=here,
    )  # fmt: skip
    OutputContent.objects.filter(output=output).update(
        salt_key=b"", input="{}", answer="null", context=_NO_CONTEXT, gate_inputs="{}",
        verdict=_without_values(content.verdict),
    )  # fmt: skip
    # A digest of the body would let anybody try guesses at it.
    Output.objects.filter(pk=output.pk).update(body_digest=os.urandom(32), external_id=f"erased-{output.pk}")
    _forget_copies(output)
    Decision.objects.filter(output=output).update(ai_said="", person_said="", search=None)


def _subjects(output: Output) -> list[UUID]:
    """What entries with words about the output are about."""
    items = list(Item.objects.filter(output=output).values_list("pk", flat=True))
    return [
        output.pk, *items, *Seat.objects.filter(item__in=items).values_list("pk", flat=True),
        *Incident.objects.filter(output=output).values_list("pk", flat=True),
        *Outcome.objects.filter(output=output).values_list("pk", flat=True),
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Preview:
    """What erasing an output would take, what it leaves, and why it cannot be done now ("" when it can). No content."""

    goes: tuple[tuple[str, int], ...]
    entries: int
    decisions: int
    refusal: str


def preview(output: Output) -> Preview:
    """Looks at what `erase_output` would do to it."""
    subjects, content = _subjects(output), OutputContent.objects.get(output=output)
    committed = Payload.objects.filter(entry__in=Entry.objects.filter(subject__in=subjects).values("pk"))
    counted = committed.order_by("name").values_list("name").annotate(count=Count("pk"))
    is_there = bool(bytes(content.salt_key))
    goes = [("what the AI was given, said and had beside it", 1), ("the producer's id of it", 1)] if is_there else []
    goes += [(_SAYS.get(name, name), count) for name, count in counted if name != "because"]
    waits = Item.objects.filter(output=output).exclude(state="closed").exists()
    gone = "" if goes else "Its content was erased already."
    return Preview(
        tuple(goes), Entry.objects.filter(subject__in=subjects).count(), Decision.objects.filter(output=output).count(),
        "This output waits for a person: it can be erased once it is decided." if waits else gone,
    )  # fmt: skip


def _forget_copies(output: Output) -> None:
    """The texts that rows beside the output repeat: of incidents, outcomes, replays as known answers, like cases."""
    emptied = {name: Case(When(**{name: ""}, then=Value("")), default=Value(_GONE)) for name in _OF_INCIDENTS}
    Incident.objects.filter(output=output).update(title=_GONE, **emptied)
    for outcome in Outcome.objects.select_for_update().filter(output=output):
        Outcome.objects.filter(pk=outcome.pk).update(source="", digest=os.urandom(32))
    KnownAnswer.objects.filter(output=output).update(drawn_as=f"erased-{output.pk}")
    # Where its producer wanted to be told; a message that still waits needs it.
    Delivery.objects.filter(output=output, next_attempt_at=None).update(url="")
    Precedent.objects.filter(output_id=output.pk).delete()


def keep_to_retention(*, limit: int) -> int:
    """Erases what the retention of the policies in force lets go, oldest first, at most `limit` outputs; how many.

    A known answer is a copy of what it replays, and ages by its own arrival like any output.
    """
    count = 0
    for system in System.objects.with_policy().exclude(in_force=None).order_by("pk"):
        days = compiled(system.in_force_id).retention.content_days
        if days is None or count >= limit:
            continue
        for id in due(system, older_than=timedelta(days=days), limit=limit - count):
            try:
                erase_output(id, by=RETENTION, because=f"Kept for {days} days, as the policy says.", why="retention")
            except Conflict:
                continue  # somebody was first, or took it up this moment
            count += 1
    return count


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
