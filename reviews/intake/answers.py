"""An output as its producer is told of it: the same shape for a new one, a repeat, and a later look."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from django.db.models import BooleanField, ExpressionWrapper, OuterRef, Prefetch, QuerySet, Subquery
from django.db.models.functions import Now

from governance.evidence import log
from governance.evidence.leaf import leaf_hash
from governance.models import Entry, Output, is_final
from governance.policies.candidate import MILLION
from reviews.intake import resolutions
from reviews.intake.accepting import Taken
from reviews.intake.dossiers import expected, told
from reviews.models import Item
from reviews.routing import flow

Answer = dict[str, Any]
_decode = msgspec.json.decode


@dataclass(frozen=True, slots=True)
class Reader:
    """Who is told: whether the random audit may be shown, and where links begin."""

    shows_audits: bool
    base: str


def of_new(taken: Taken, reader: Reader) -> Answer:
    """The answer for an output that has just come in."""
    dossier, setting = taken.dossier, taken.setting
    if dossier is None or setting is None:
        raise ValueError("A repeat is answered from its rows.")
    judged = dossier.judged
    hides = _hides_audit(judged.verdict.lane, judged.status, judged.verdict.propensity, reader)
    review = None
    if dossier.item is not None and not hides:
        queue, due_at = expected(judged, setting)
        place = flow.place_of_new(setting.system, queue)
        review = {"id": str(dossier.item), "queue": queue, "due_at": due_at, **place}
    receipt = _receipt(str(dossier.entry), leaf_hash(dossier.leaf), None)
    resolution = None
    if judged.resolved_by is not None:
        output = msgspec.Raw(judged.arrival.output) if judged.status == "released" else None
        resolution = _resolution(judged.status, output, "policy", dossier.final_at, None, receipt)
    verdict: Any = msgspec.Raw(dossier.verdict)
    if hides:
        verdict = {**told(judged, setting.force), "audit": None, "propensity": None}
    return _answer(
        str(dossier.id), judged.arrival.body.external_id, judged.status, verdict, review, resolution, receipt, reader
    )  # fmt: skip


def rows(outputs: QuerySet[Output]) -> QuerySet[Output]:
    """The rows with all that `of_row` reads: two queries, however many there are."""
    final = ExpressionWrapper(is_final(), output_field=BooleanField())
    items = Item.objects.filter(purpose__in=("review", "audit")).select_related("queue").order_by("round")
    judged = Entry.objects.filter(subject=OuterRef("pk"), rev=1)
    ended = Entry.objects.filter(pk=OuterRef("ended_by"))
    return (
        outputs.select_related("system", "content")
        .annotate(
            is_final=final,
            asked_at=Now(),
            judged_by=Subquery(judged.values("pk")),
            judged_hash=Subquery(judged.values("leaf_hash")),
            ended_by=resolutions.entry_of(),
        )
        .annotate(ended_hash=Subquery(ended.values("leaf_hash")))
        .prefetch_related(Prefetch("items", items))
    )


def of_row(output: Output, reader: Reader, *, proven: bool = False) -> Answer:
    """The answer for an output of `rows`: the verdict as first given, the status and resolution as they are now.

    `proven` brings the proofs into its receipts once the entries are sealed: a query more for each, and one for each
    level of tiles that is full.
    """
    verdict = _decode(output.content.verdict)
    hides = _hides_audit(output.lane, output.status if not output.is_held else "", output.propensity, reader)
    if hides:
        verdict |= {"audit": None, "propensity": None}
    items = [] if hides else list(output.items.all())
    review = None
    if items:
        item = items[-1]
        queue = item.queue.slug if item.queue else None
        place = flow.place_of(item.pk, item.system_id, queue) if item.state != "closed" else _NOWHERE
        review = {"id": str(item.pk), "queue": queue, "due_at": _utc(item.due_at), **place}
    receipt = _receipt_of(*_judged(output), proven=proven)
    status, resolution = "in_review", None
    if _is_final(output):
        status = output.status
        answer, ended = resolutions.released_output(output), _ended(output)
        resolution = _resolution(
            status, answer, output.resolved_by, _utc(output.final_at), output.decision,
            _receipt_of(*ended, proven=proven) if ended else receipt,
        )  # fmt: skip
    more = resolutions.history(output)
    return _answer(str(output.pk), output.external_id, status, verdict, review, resolution, receipt, reader) | more


def listed(output: Output, reader: Reader) -> Answer:
    """The line of a list: what the narrow row says, without payloads."""
    hides = _hides_audit(output.lane, output.status if not output.is_held else "", output.propensity, reader)
    verdict = {
        "lane": output.lane,
        "rule": output.rule,
        "threshold": _share(output.threshold),
        "propensity": None if hides else _share(output.propensity),
        "audit": None if hides else output.is_audit,
    }
    return {
        "id": str(output.pk),
        "external_id": output.external_id,
        "system": output.system.slug,
        "received_at": _utc(output.received_at),
        "model": output.model,
        "model_version": output.model_version,
        "prompt_version": output.prompt_version,
        "confidence": _share(output.confidence),
        "status": output.status if _is_final(output) else "in_review",
        "verdict": verdict,
        "links": _links(output.pk, reader.base),
    }


def of_repeats(repeats: Iterable[Taken], reader: Reader) -> dict[UUID, Answer]:
    """The answers for outputs that were there already, by id; two queries for all of them."""
    ids = [taken.id for taken in repeats]
    return {row.pk: of_row(row, reader) for row in rows(Output.objects.filter(pk__in=ids))} if ids else {}


_KNOWN_TO_ALL: Final = 0
_NOWHERE: Final = {"position": None, "expected_wait": None}


def _is_final(output: Output) -> bool:
    """Whether its resolution counts, by the clock of the query that brought it."""
    return bool(output.is_final)  # type: ignore[attr-defined]


def _judged(output: Output) -> tuple[UUID, bytes]:
    """The entry of its verdict, and its leaf hash."""
    return output.judged_by, bytes(output.judged_hash)  # type: ignore[attr-defined]


def _ended(output: Output) -> tuple[UUID, bytes] | None:
    """The entry that resolved it after its verdict, and its leaf hash; None where the verdict did."""
    # `rows` annotates both.
    return None if output.ended_by is None else (output.ended_by, bytes(output.ended_hash))  # type: ignore[attr-defined]


def _receipt_of(entry: UUID, hash: bytes, *, proven: bool) -> Answer:
    proof = log.prove(entry) if proven else None
    return _receipt(str(entry), hash, proof.as_text() if proof else None)


def _receipt(entry: str, hash: bytes, proof: str | None) -> Answer:
    return {"entry": entry, "leaf_hash": hash.hex(), "proof": proof}


def _hides_audit(lane: str, status: str, propensity: int, reader: Reader) -> bool:
    """Whether an audit must stay untold. Where one was possible its absence stays untold too, else it would tell."""
    return not reader.shows_audits and lane == "release" and status != "in_review" and propensity != _KNOWN_TO_ALL


def _resolution(
    status: str, output: Any, by: str | None, at: datetime | None, decision: UUID | None, receipt: Answer
) -> Answer:  # fmt: skip
    made_by = str(decision) if decision else None
    return {"status": status, "output": output, "by": by, "at": at, "decision": made_by, "receipt": receipt}


def _answer(
    id: str,
    external_id: str,
    status: str,
    verdict: Any,
    review: Answer | None,
    resolution: Answer | None,
    receipt: Answer,
    reader: Reader,
) -> Answer:
    return {
        "id": id,
        "external_id": external_id,
        "status": status,
        "verdict": verdict,
        "review": review,
        "resolution": resolution,
        "receipt": receipt,
        "links": _links(id, reader.base),
    }


def _links(id: UUID | str, base: str) -> dict[str, str]:
    own = f"{base}/api/v1/outputs/{id}/"
    return {"self": own, "trace": f"{own}trace/", "proof": f"{own}proof/"}


def _share(millionths: int | None) -> float | None:
    return None if millionths is None else millionths / MILLION


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)
