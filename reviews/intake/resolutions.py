"""How an output ended, read from its rows: what the producer may act on, earlier revisions, a correction."""

from __future__ import annotations

from datetime import UTC
from typing import Any, Final

import msgspec
from django.db.models import F, OuterRef, Subquery, UUIDField
from django.db.models.functions import Coalesce, Now

from governance.models import Entry, Output, Payload
from reviews.models import Decision

CORRECTED: Final = "output"
"""The name of the payload in which a decision's entry keeps the corrected output."""
_STATUS: Final = {"approve": "approved", "override": "overridden", "reject": "rejected"}
_decode = msgspec.json.decode


def released_output(output: Output) -> Any:
    """What the producer may act on once the output is resolved; None when that is nothing."""
    if output.status in ("released", "approved"):
        return _decode(output.content.answer)
    if output.status == "overridden" and output.decision is not None:
        return corrected_by(Decision.objects.get(pk=output.decision))
    return None


def entry_of() -> Coalesce:
    """For a query of outputs: the entry that resolved each after its verdict. Of a person's resolution that is the one
    of the decision in force (of two reviewers the last, of an adjudication the third's); a fallback names it itself."""
    decided = Decision.objects.filter(pk=OuterRef("decision")).values("entry_id")
    return Coalesce(Subquery(decided), F("decision"), output_field=UUIDField())


def corrected_by(decision: Decision) -> Any:
    """The corrected output of an override; None when it was erased."""
    content = Payload.objects.filter(entry=decision.entry_id, name=CORRECTED).values_list("content", flat=True).first()
    return None if content is None else _decode(bytes(content))


def history(output: Output) -> dict[str, Any]:
    """`revisions`, oldest first, and `correction`: members that only outputs have that were looked at again."""
    told: dict[str, Any] = {"revisions": [], "correction": None}
    if output.revision > 1 and output.decision is not None:
        chain = _earlier(Decision.objects.get(pk=output.decision))
        told["revisions"] = _fallback(output) if len(chain) < output.revision - 1 else []
        told["revisions"] += [
            {"revision": number, "status": _STATUS[decision.verdict], "by": "person",
             "at": decision.final_at.astimezone(UTC), "decision": str(decision.pk)}
            for number, decision in enumerate(chain, output.revision - len(chain))
        ]  # fmt: skip
    if output.correction is not None:
        found = Decision.objects.filter(pk=output.correction, undone_at=None, final_at__lte=Now()).first()
        if found:
            told["correction"] = {
                "output": corrected_by(found), "decision": str(found.pk), "at": found.final_at.astimezone(UTC),
            }  # fmt: skip
    return told


def _fallback(output: Output) -> list[dict[str, Any]]:
    """The first revision of an output that ended by fallback before a person took it up."""
    entry = Entry.objects.filter(subject=output.pk, type="resolved").order_by("-rev").first()
    if entry is None:
        return []
    said = _decode(bytes(entry.leaf))["detail"]["status"]
    return [
        {"revision": 1, "status": said, "by": "fallback", "at": entry.at.astimezone(UTC), "decision": str(entry.pk)}
    ]


def _earlier(decision: Decision) -> list[Decision]:
    """The decisions that this one superseded, oldest first."""
    chain: list[Decision] = []
    while decision.supersedes is not None:
        decision = decision.supersedes
        chain.insert(0, decision)
    return chain
