"""The card: an item as the API shows it to the person who has it in hand."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from governance.policies.candidate import MILLION
from reviews.decisions.cases import opinions
from reviews.queue.claims import Claim
from reviews.routing.urgency import time_left_sentence, urgency_sentence

_BLIND: Final = "You are asked for your own answer before you see what the AI said."
_ASSIGNED: Final = "It was given to you: you have the skills and the room, and are there."
_ADJUDICATES: Final = "Two people disagree about this one: your answer decides."
_decode = msgspec.json.decode


class _Verdict(msgspec.Struct):
    because: str = ""


_verdict = msgspec.json.Decoder(_Verdict).decode


def card(claim: Claim) -> dict[str, Any]:
    """The item of a claim. Of a blind one the AI's answer, its confidence and whatever hints at them are null."""
    context: dict[str, Any] = _decode(claim.context) if claim.context else {}
    review = claim.rules.review
    item: dict[str, Any] = {
        "id": claim.item,
        "system": claim.system_slug,
        "queue": claim.queue_slug,
        "external_id": claim.external_id,
        "round": claim.round,
        "seat": claim.number,
        "blind": claim.is_blind,
        "created_at": claim.created_at,
        "due_at": claim.due_at,
        "input": _raw(claim.input),
        "attributes": context.get("attributes", {}),
        "output": None,
        "confidence": None,
        "alternatives": None,
        "explanation": None,
        "model": claim.model or None,
        "model_version": claim.model_version or None,
        "rule": None,
        "threshold": None,
        "why": why(claim),
        "reasons": [{"code": reason.code, "label": reason.label} for reason in review.reasons],
        "reason_required": list(review.reason_required),
        "answers": answers(claim),
    }
    if not claim.is_blind:
        item |= {
            "output": _raw(claim.answer),
            "confidence": _share(claim.confidence),
            "alternatives": context.get("alternatives", []),
            "explanation": context.get("explanation"),
            "rule": claim.rule,
            "threshold": _share(claim.threshold),
        }
    return item


def why(claim: Claim) -> list[str]:
    """Why this item comes to this person now, in sentences."""
    said = [_ADJUDICATES] if claim.number == 3 else []
    if claim.is_blind:
        said.append(_BLIND)
    else:
        said += [text for text in (_because(claim), claim.route.get("sentence", "")) if text]
    if claim.is_assigned:
        said.append(_ASSIGNED)
    said.append(urgency_sentence(claim.created_at, claim.due_at, claim.priority))
    if claim.calendar:
        said.append(time_left_sentence(claim.calendar, claim.due_at, claim.now))
    return said


def answers(claim: Claim) -> list[dict[str, Any]] | None:
    """What the two who disagree said, without their names, for the third; None for everybody else."""
    if claim.number != 3:
        return None
    said = opinions(claim.item)
    if claim.is_blind:
        return [{"verdict": "reject" if o.verdict == "reject" else None, "output": o.output} for o in said]
    return [{"verdict": opinion.verdict, "output": opinion.output} for opinion in said]


def _because(claim: Claim) -> str:
    return _verdict(claim.verdict).because if claim.verdict else ""


def _raw(text: str | None) -> msgspec.Raw | None:
    return None if text is None else msgspec.Raw(text.encode())


def _share(millionths: int | None) -> float | None:
    return None if millionths is None else millionths / MILLION
