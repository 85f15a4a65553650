"""Known answers: errors that two people had confirmed, replayed as new items to see whether reviewers find them.

A replay is judged like any arrival, under an id like those of the day, and is an item like any other: nothing that a
reviewer can open tells it apart. It is in no producer's list, is never delivered, is no label and changes no count.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import connection, transaction

from governance import clock
from governance.evidence.record import record
from governance.models import Entry, KnownAnswer, Output, System
from governance.people.actors import Actor
from governance.policies.candidate import MILLION
from governance.policies.registry import InForce, in_force
from reviews.intake.accepting import Sender
from reviews.intake.arrivals import arrive
from reviews.intake.bodies import Alternative, Body
from reviews.intake.dossiers import Dossier, Setting, prepare
from reviews.intake.inserting import insert
from reviews.models import Item, Skip
from reviews.quality.disguises import SEEDER, free

LOOKS_BACK: Final = timedelta(minutes=15)  # an item that no worker saw for so long asks for no known answer any more
MOST_AT_ONCE: Final = 50
_CANDIDATES: Final = 8
_DRAWS: Final = 300  # ids tried until the audit draw takes one; at a rate of 1 % one in twenty originals is given up
_LATELY: Final = 20_000

# Every genuine item draws, keyed by the installation's secret, whether a known answer comes with it.
_PROMPTS: Final = """
SELECT i.id, o.external_id FROM reviews_item i JOIN governance_output o ON o.id = i.output_id
WHERE i.id >= %(since)s AND i.system_id = %(system)s AND i.round = 1 AND i.purpose IN ('review', 'audit')
  AND mod(hashtextextended(i.id::text, %(seed)s) & 9223372036854775807, 1000000) < %(rate)s
  AND NOT EXISTS (SELECT FROM governance_knownanswer k WHERE k.prompted_by = i.id)
ORDER BY i.id LIMIT %(most)s
"""
# Errors that a second person confirmed, those replayed least often first.
_ORIGINALS: Final = """
SELECT o.id, count(k.id) AS times FROM (
    SELECT DISTINCT d.output_id FROM (
        SELECT output_id, seat, is_correct, undone_at, purpose FROM reviews_decision
        WHERE system_id = %(system)s ORDER BY id DESC LIMIT %(lately)s
    ) d WHERE d.seat >= 2 AND NOT d.is_correct AND d.undone_at IS NULL AND d.purpose <> 'known_answer'
) f
JOIN governance_output o ON o.id = f.output_id AND o.label = false AND NOT o.is_known_answer
    AND o.rule LIKE 'threshold:%%' AND NOT o.is_breached
JOIN governance_outputcontent c ON c.output_id = o.id
LEFT JOIN governance_knownanswer k ON k.original_id = o.id
GROUP BY o.id ORDER BY times, random() LIMIT %(most)s
"""
_SAW_IT: Final = """
SELECT DISTINCT d.person_id FROM reviews_decision d
WHERE d.output_id = %(original)s
   OR d.output_id IN (SELECT output_id FROM governance_knownanswer WHERE original_id = %(original)s)
"""
_decode = msgspec.json.decode


@dataclass(frozen=True, slots=True)
class Prompt:
    """A genuine item that draws a known answer, and the external id that the replay's is made to look like."""

    item: UUID
    external_id: str


def seed_due() -> int:
    """Replays an error for each genuine item of the last minutes that drew one; how many. Twice is once."""
    seeded = 0
    for system in System.objects.filter(in_force__isnull=False):
        force = in_force(system.pk)
        if force is not None and force.policy.review.known_answers:
            seeded += sum(seed(system, prompt) is not None for prompt in _prompts(system, force))
    return seeded


def seed(system: System, prompt: Prompt) -> KnownAnswer | None:
    """Replays one of the errors that were replayed least; None when the system has none that its policy would put
    before people today."""
    for original in _originals(system):
        known = _replay(system, original, prompt)
        if known is not None:
            return known
    return None


def _prompts(system: System, force: InForce) -> list[Prompt]:
    key = settings.DRAW_KEYS[max(settings.DRAW_KEYS)]
    seed = int.from_bytes(hashlib.sha256(key + b"known answers").digest()[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        since = UUID(int=int((cursor.fetchone()[0] - LOOKS_BACK).timestamp() * 1000) << 80)
        rate = force.policy.review.known_answers
        asked: dict[str, Any] = {
            "since": since, "system": system.pk, "seed": seed, "rate": rate, "most": MOST_AT_ONCE,
        }  # fmt: skip
        cursor.execute(_PROMPTS, asked)
        return [Prompt(*row) for row in cursor.fetchall()]


def _originals(system: System) -> list[Output]:
    with connection.cursor() as cursor:
        cursor.execute(_ORIGINALS, {"system": system.pk, "lately": _LATELY, "most": _CANDIDATES})
        order = [row[0] for row in cursor.fetchall()]
    found = Output.objects.select_related("content").in_bulk(order)
    return [found[id] for id in order]


@transaction.atomic
def _replay(system: System, original: Output, prompt: Prompt) -> KnownAnswer | None:
    setting = Sender(system, _sender(original), original.key).setting(force=in_force(system.pk))
    dossier = _judged(system, original, prompt, setting)
    if dossier is None:
        return None
    dossier.judged.purpose = "known_answer"
    is_current, is_new = insert(dossier, setting)
    if not (is_current and is_new):
        return None  # the policy has just changed, or a producer took the id: the next round tries again
    output, item, id = UUID(bytes=dossier.id.bytes), _item(dossier), clock.new_id()
    name = dossier.judged.arrival.body.external_id
    Output.objects.filter(pk=output).update(is_known_answer=True)
    entry = record(
        "known_answer_seeded", actor=SEEDER, kind="known_answer", id=id, system=system.pk,
        causes=[dossier_hash(dossier)],
        detail={
            "output": str(output), "item": str(item), "original": str(original.pk), "prompted_by": str(prompt.item),
        },
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_SAW_IT, {"original": original.pk})
        people = [row[0] for row in cursor.fetchall()]
    # Whoever judged the error before is not asked again.
    Skip.objects.bulk_create(Skip(item_id=item, person_id=person, entry_id=entry.id) for person in people)
    return KnownAnswer.objects.create(
        id=id, system=system, output_id=output, original=original, prompted_by=prompt.item, drawn_as=name,
        is_blind=dossier.judged.is_blind, entry_id=entry.id,
    )  # fmt: skip


def _judged(system: System, original: Output, prompt: Prompt, setting: Setting) -> Dossier | None:
    """The replay as the policy in force judges it; None when that brings it before nobody.

    What would go out alone needs an id that the audit draws, so ids are tried; none is chosen for anything else.
    """
    template = setting.template()
    for _ in range(_DRAWS):
        try:
            name = free(system.pk, like=prompt.external_id)
        except LookupError:
            return None
        dossier = prepare(arrive(_body(system, original, name)), setting, template)
        if not dossier.judged.verdict.rule.startswith("threshold:"):
            return None
        if dossier.judged.purpose is not None:
            return dossier
    return None


def _body(system: System, original: Output, name: str) -> Body:
    context: dict[str, Any] = _decode(original.content.context)
    share = "null" if original.confidence is None else f"{original.confidence / MILLION:.6f}"
    return Body(
        system=system.slug, external_id=name, input=_decode(original.content.input),
        output=_decode(original.content.answer), confidence=msgspec.Raw(share.encode()), model=original.model or None,
        model_version=original.model_version or None, prompt_version=original.prompt_version,
        alternatives=[Alternative(**other) for other in context["alternatives"]], explanation=context["explanation"],
        attributes=context["attributes"],
    )  # fmt: skip


def _sender(original: Output) -> Actor:
    """Who sent the original. The entry of the verdict names her, or it would tell the replay apart; the entry of the
    known answer says who replayed it."""
    leaf = json.loads(bytes(Entry.objects.get(subject=original.pk, rev=1).leaf))
    sent = leaf.get("detail", {}).get("sent_by") or SEEDER.as_json()
    return Actor(sent["kind"], sent["id"], tuple(sent["roles"]), sent["auth"])


def _item(dossier: Dossier) -> UUID:
    if dossier.item is None:
        raise ValueError("A known answer is before people.")
    return UUID(bytes=dossier.item.bytes)


def dossier_hash(dossier: Dossier) -> str:
    return hashlib.sha256(b"\0" + dossier.leaf).hexdigest()


def closed(output: UUID, *, found: bool, decision: UUID, final_at: Any, entry: UUID) -> None:
    """Keeps what people said of a known answer, in the transaction that closed its item."""
    KnownAnswer.objects.filter(output=output).update(found=found, decision=decision, final_at=final_at, entry_id=entry)


def reopened(item: Item, *, entry: UUID) -> None:
    """Forgets it again when the decision is taken back."""
    KnownAnswer.objects.filter(output=item.output_id).update(found=None, decision=None, final_at=None, entry_id=entry)
