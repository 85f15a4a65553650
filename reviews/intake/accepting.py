"""The verb: outputs come in, are judged, and are there with their evidence, in one transaction a chunk.

The policy is the one this process saw last; the transaction itself looks whether it is still in force, and when it is
not, nothing is written and all is judged again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from psycopg import errors

from governance import clock
from governance.models import Output, System
from governance.people.actors import Actor
from governance.policies import modelversions
from governance.policies.registry import InForce, in_force
from governance.policies.validated import Name
from governance.refusals import Conflict, Invalid, NotFound, Problem, Refused
from reviews.intake import callbacks
from reviews.intake.arrivals import Arrival, arrive
from reviews.intake.bodies import Body
from reviews.intake.copying import copy
from reviews.intake.dossiers import Dossier, Setting
from reviews.intake.inserting import CURRENT, guard, insert
from reviews.intake.judges import Judges
from reviews.intake.judging import Dice
from reviews.quality import disguises

CHUNK: Final = 1000
_TRIES: Final = 5
_believed: dict[UUID, InForce | None] = {}


@dataclass(frozen=True, slots=True)
class Taken:
    """An output that is in. A repeat has no dossier, only the id it has had: it was judged when it came first."""

    dossier: Dossier | None = None
    setting: Setting | None = None
    known: UUID | None = None

    @property
    def id(self) -> UUID:
        if self.dossier is not None:
            return UUID(bytes=self.dossier.id.bytes)
        assert self.known is not None  # noqa: S101  one of the two it always has
        return self.known

    @property
    def is_new(self) -> bool:
        return self.dossier is not None

    @property
    def needs_people(self) -> bool:
        """Whether it brought an item that has to be routed."""
        return self.dossier is not None and self.dossier.item is not None


Result = Taken | Refused


@dataclass(frozen=True, slots=True)
class Sender:
    """Who brings outputs to which system: the actor of the evidence, the API key if there was one, the trace."""

    system: System
    actor: Actor
    key: UUID | None = None
    traceparent: str | None = None

    def setting(self, *, force: InForce | None, at: datetime | None = None) -> Setting:
        return Setting(
            self.system.pk, self.system.risk_tier, force, at or clock.now(), self.actor, self.key, self.traceparent,
            Dice.newest(settings.DRAW_KEYS), settings.EVIDENCE_ORIGIN,
        )  # fmt: skip


def accept(
    bodies: Sequence[Body], *, system: System, actor: Actor, key: UUID | None = None, traceparent: str | None = None
) -> list[Result]:
    """Takes outputs in, in their order; a result for each: Taken, or the Refused that says why not.

    A repeat (same external id, same body) is Taken and not new; the same external id with another body is a Conflict.
    One body is written by one statement, more by chunks of at most 1,000 with a transaction each.
    """
    sender = Sender(system, actor, key, traceparent)
    if len(bodies) == 1:
        return [_accept_one(bodies[0], sender)]
    return [result for chunk in accept_chunks(bodies, sender) for result in chunk]


def accept_chunks(bodies: Iterable[Body | Refused], sender: Sender) -> Iterator[list[Result]]:
    """The results of each chunk once it is committed. What is refused already keeps its place and its refusal."""
    had_repeats, coming = False, iter(bodies)
    while chunk := list(islice(coming, CHUNK)):
        results = _accept_chunk(chunk, sender, look_first=had_repeats)
        had_repeats = any(isinstance(result, Taken) and not result.is_new for result in results)
        yield results


def _accept_one(body: Body, sender: Sender) -> Result:
    if refusal := _refusals([body], sender).get(0):
        return refusal
    arrival = _arrive(body)
    if isinstance(arrival, Refused):
        return arrival
    _notice([arrival], sender)
    for is_retry in (False, *[True] * _TRIES):
        dossier, setting = _judges(sender, fresh=is_retry).prepare(arrival)
        is_current, is_new = insert(dossier, setting)
        if is_new:
            return Taken(dossier, setting)
        if is_current:
            known = _known([arrival], sender.system.pk)
            if known:
                return _again(arrival, known[body.external_id])
    raise _restless()


def _accept_chunk(bodies: Sequence[Body | Refused], sender: Sender, *, look_first: bool) -> list[Result]:
    results: dict[int, Result] = {place: body for place, body in enumerate(bodies) if isinstance(body, Refused)}
    good = [(place, body) for place, body in enumerate(bodies) if not isinstance(body, Refused)]
    refusals = _refusals([body for _, body in good], sender)
    results |= {good[index][0]: refusal for index, refusal in refusals.items()}
    first: dict[str, int] = {}
    arrivals: dict[int, Arrival] = {}
    later: list[tuple[int, int]] = []
    for index, (place, body) in enumerate(good):
        if index in refusals:
            continue
        arrival = _arrive(body)
        if isinstance(arrival, Refused):
            results[place] = arrival
            continue
        arrivals[place] = arrival
        if first.setdefault(body.external_id, place) != place:
            later.append((place, first[body.external_id]))
    waiting = {place: arrivals[place] for place in first.values()}
    _notice(waiting.values(), sender)
    results |= _write(waiting, sender, look_first=look_first)
    lost = [arrivals[place] for place, before in later if not isinstance(results[before], Taken)]
    known = _known(lost, sender.system.pk) if lost else {}
    for place, before in later:
        earlier, arrival = results[before], arrivals[place]
        there = (earlier.id, arrivals[before].digest) if isinstance(earlier, Taken) else known[arrival.body.external_id]
        results[place] = _again(arrival, there)
    return [results[place] for place in range(len(bodies))]


def _notice(arrivals: Iterable[Arrival], sender: Sender) -> None:
    """Before anything is written, so that what is there has a model that is registered."""
    bodies = (arrival.body for arrival in arrivals)
    names = (Name(body.model or "", body.model_version or "", body.prompt_version or "") for body in bodies)
    modelversions.notice(sender.system, names)


def _write(waiting: dict[int, Arrival], sender: Sender, *, look_first: bool) -> dict[int, Result]:
    """Writes arrivals with different external ids. When one of them is there already, it is left out and the rest is
    sent again: nothing was committed, and COPY into the final tables stays the only way in."""
    results: dict[int, Result] = {}
    if look_first:
        results |= _take_out_known(waiting, sender)
    is_retry = False
    for _ in range(_TRIES):
        if not waiting:
            return results
        judges = _judges(sender, fresh=is_retry)
        prepared = {place: judges.prepare(arrival) for place, arrival in waiting.items()}
        try:
            is_written = _copy(list(prepared.values()), judges.usual)
        except errors.UniqueViolation:  # COPY speaks to the driver itself, which does not wrap its errors
            results |= _take_out_known(waiting, sender)
            continue
        except errors.DeadlockDetected:
            continue
        if is_written:
            return results | {place: Taken(dossier, setting) for place, (dossier, setting) in prepared.items()}
        is_retry = True
    raise _restless()


def _judges(sender: Sender, *, fresh: bool) -> Judges:
    force = _force(sender.system.pk, fresh=fresh)
    at = clock.read() if fresh else clock.now()
    return Judges(force, lambda force: sender.setting(force=force, at=at))


def _copy(prepared: list[tuple[Dossier, Setting]], usual: Setting) -> bool:
    """Whether the policies that judged were still in force, and the rows are written."""
    # In the order of the unique index, so that two batches with the same lines wait for and never block each other.
    prepared.sort(key=lambda one: one[0].judged.arrival.body.external_id)
    with transaction.atomic():
        asked = clock.steady()
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT now(), clock_timestamp(), EXISTS ({CURRENT})", guard(usual))
            now, told, is_current = cursor.fetchone()
        clock.hear(told, asked=asked)
        if is_current:
            # A canary's rows come after the others': two batches with the same lines may then meet, and one is retried.
            for setting in {id(setting): setting for _, setting in prepared}.values():
                copy([dossier for dossier, its in prepared if its is setting], setting, now=now)
            for dossier, _ in prepared:
                dossier.final_at = now
    return bool(is_current)


def _take_out_known(waiting: dict[int, Arrival], sender: Sender) -> dict[int, Result]:
    known = _known(list(waiting.values()), sender.system.pk)
    there = {place: arrival for place, arrival in waiting.items() if arrival.body.external_id in known}
    for place in there:
        del waiting[place]
    return {place: _again(arrival, known[arrival.body.external_id]) for place, arrival in there.items()}


def _known(arrivals: Sequence[Arrival], system: UUID) -> dict[str, tuple[UUID, bytes]]:
    """The outputs that are there already, by external id: their id and the digest of their body. A known answer that
    bears one of these ids takes another."""
    names = [arrival.body.external_id for arrival in arrivals]
    disguises.make_way(system, names)
    rows = Output.objects.genuine().filter(system_id=system, external_id__in=names)
    return {name: (id, bytes(digest)) for name, id, digest in rows.values_list("external_id", "id", "body_digest")}


def _again(arrival: Arrival, known: tuple[UUID, bytes]) -> Result:
    id, digest = known
    return Taken(known=id) if digest == arrival.digest else _conflict()


def _conflict() -> Conflict:
    sentence = "This external_id was used before, for another body."
    return Conflict(sentence, errors=[Problem("/external_id", "conflict", sentence)])


def _refusals(bodies: Sequence[Body], sender: Sender) -> dict[int, Refused]:
    slug = sender.system.slug
    strangers: dict[int, Refused] = {place: _no_system() for place, body in enumerate(bodies) if body.system != slug}
    return strangers | {
        place: refusal
        for place, refusal in callbacks.refused(bodies, system=sender.system).items()
        if place not in strangers
    }


def _no_system() -> NotFound:
    sentence = "There is no such system for this sender."
    return NotFound(sentence, errors=[Problem("/system", "not-found", sentence)])


def _arrive(body: Body) -> Arrival | Invalid:
    try:
        return arrive(body)
    except Invalid as refusal:
        return refusal


def _force(system: UUID, *, fresh: bool) -> InForce | None:
    if fresh or system not in _believed:
        _believed[system] = in_force(system)
    return _believed[system]


def _restless() -> Conflict:
    return Conflict("The policy in force is being changed at this very moment. Send it again.")
