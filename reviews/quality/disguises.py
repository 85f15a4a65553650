"""External ids for known answers: like those the producer sends now, and out of the way when it sends one of them."""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Collection
from typing import Final
from uuid import UUID

from django.db import transaction

from governance.evidence.record import record
from governance.models import KnownAnswer, Output
from governance.people.actors import machine

SEEDER: Final = machine("known-answers")
_TRIES: Final = 60
_LONGEST: Final = 200
_HEX: Final = re.compile(r"(?=[0-9a-f-]*[a-f])[0-9a-f-]{12,}\Z")
_DIGITS: Final = re.compile(r"[0-9]")


def disguise(like: str, *, more: int = 0) -> str:
    """Another id of the same form: its last four digits drawn anew (`more` of them), or its last twelve hex digits.

    What has no digit gets some at its end.
    """
    if _HEX.search(like):
        return _redrawn(like, 12, "0123456789abcdef", string.hexdigits)
    if not _DIGITS.search(like) or more > 4:
        return f"{like[: _LONGEST - 6]}{secrets.randbelow(900_000) + 100_000}"
    return _redrawn(like, 4 + more, string.digits, string.digits)


def _redrawn(like: str, count: int, signs: str, redrawn: str) -> str:
    letters = list(like)
    places = [place for place, letter in enumerate(letters) if letter in redrawn][-count:]
    for place in places:
        letters[place] = secrets.choice(signs)
    return "".join(letters)


def free(system: UUID, *, like: str) -> str:
    """A disguise that no output of the system has. Raises LookupError when none was found."""
    for turn in range(_TRIES):
        name = disguise(like, more=turn // 10)
        if not Output.objects.filter(system_id=system, external_id=name).exists():
            return name
    raise LookupError("No free external id was found.")


def make_way(system: UUID, external_ids: Collection[str]) -> None:
    """Gives another id to each known answer that bears one of these, which a producer is sending at this moment."""
    standing = Output.objects.filter(system_id=system, external_id__in=list(external_ids), is_known_answer=True)
    for output in standing:
        with transaction.atomic():
            known = KnownAnswer.objects.select_for_update().get(output=output)
            entry = record(
                "known_answer_renamed", actor=SEEDER, kind="known_answer", id=known.pk, system=system,
                detail={"output": str(output.pk)},
            )  # fmt: skip
            Output.objects.filter(pk=output.pk).update(external_id=free(system, like=output.external_id))
            KnownAnswer.objects.filter(pk=known.pk).update(entry_id=entry.id)
