"""Looks at the evidence. A look spends a level of its own, once and for good, before it counts a single label; what it
finds is a certificate. Everything else is exploration: it spends nothing and guarantees nothing."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from governance import clock
from governance.evidence.record import policy_part, record
from governance.models import Certificate, Incident, Output, System
from governance.people import actors, roles
from governance.people.actors import Actor
from governance.policies.canonical import canonical_bytes
from governance.policies.policy import Policy
from governance.policies.registry import compiled
from governance.refusals import Conflict, NotFound
from governance.tuning import reading, released, samples, words
from governance.tuning.bounds import Corrected, correct_for_sensitivity, spent_at_look
from governance.tuning.certify import MILLION
from governance.tuning.current import Current
from governance.tuning.reading import Reading
from governance.tuning.released import RuleLine
from governance.tuning.samples import Sample, Scope
from governance.tuning.sensitivity import Sensitivity, measured

CODE: Final = "tuning 4"  # raised with any change of what a look computes
LIFE: Final = timedelta(days=30)
PROVISIONAL: Final = "certified-provisional"


@dataclass(frozen=True)
class Exploration:
    """What the evidence looks like now, at the level that the next look would spend. No guarantee."""

    scope: Scope
    sample: Sample
    reading: Reading
    goal: float
    level: float  # what the look would spend, the part for the reviewers included
    look: int
    released_by_rules: tuple[RuleLine, ...]


@dataclass(frozen=True)
class Standing:
    """A certificate as it stands today: `state` also knows that it aged or that the model moved on."""

    certificate: Certificate
    document: dict[str, Any]
    reading: Reading
    state: str
    sentence: str

    @property
    def is_good(self) -> bool:
        return self.state in ("certified", PROVISIONAL)


def policy_of(system: System) -> Policy:
    """The policy in force. Raises Conflict when there is none."""
    if system.in_force_id is None:
        raise Conflict(f"{system.name} has no policy in force, so there is no threshold to measure.")
    return compiled(system.in_force_id)


def threshold_of(policy: Policy, segment: str = "") -> int:
    """The threshold in force, in millionths. Raises NotFound for a segment that the policy does not name."""
    found = {"": policy.threshold.default} | {part.id: part.threshold for part in policy.threshold.segments}
    if segment not in found:
        raise NotFound(f"The policy in force has no segment {segment}.")
    return found[segment]


def latest(system: System, segment: str = "") -> Certificate | None:
    """The certificate of the last look that came to an answer."""
    return Certificate.objects.of(system, segment).finished().newest_first().first()


def exploration(
    system: System, segment: str = "", *, target: float | None = None, confidence: float | None = None,
    current: Current | None = None,
) -> Exploration | None:  # fmt: skip
    """Counts now and reads them as a look would, at the policy's target and the level of the next look unless others
    are given: the reviewers' misses are paid for once they are known. Spends
    nothing, guarantees nothing. None before the first output that this threshold decided. Raises Conflict, NotFound.

    `current` is what the caller knows already of this threshold."""
    policy = policy_of(system)
    in_force, scope = threshold_of(policy, segment), current.scope if current else samples.scope(system, segment)
    if scope is None:
        return None
    look = (current.past.looks if current else _looks(system, segment)) + 1
    goal = policy.risk.target / MILLION if target is None else target
    level = spent_at_look(1 - policy.risk.confidence / MILLION, look) if confidence is None else 1 - confidence
    delta = round(level, 12)
    known = current.known if current else measured(system)
    used = _corrected(goal, delta, known if known.is_enough else None)
    judging = [version.version for version in current.versions] if current else None
    asked = samples.parameters(scope, judging=judging)
    found = samples.sample(scope, in_force=in_force, asked=asked)
    read = _read(found, in_force, used, goal)
    return Exploration(scope, found, read, goal, delta, look, released.by_rules(scope, asked=asked))


def look(system: System, *, by: Actor, segment: str = "") -> Certificate:
    """One look: stores the level it spends, then counts, tests and writes what it found, with its evidence.

    Once enough known answers have measured the reviewers, the test pays for the errors they miss.

    Raises Conflict when there is nothing to look at or the policy's schedule (`risk.look_every`) has none yet; then
    nothing is spent. Raises NotAllowed and NotFound for a person who may not.
    """
    if by.person is not None:
        roles.require(by.person, "propose a policy", system)
    scope = samples.scope(system, segment)
    if scope is None or not Output.objects.of(system).genuine().filter(rule=scope.rule, label__isnull=False).exists():
        raise Conflict(f"No output that a threshold of {system.name} decided has a verdict yet.")
    spent = _spend(scope, by=by)
    known = measured(system)
    return _measure(spent, scope, by=by, sensitivity=known if known.is_enough else None)


@transaction.atomic
def _spend(scope: Scope, *, by: Actor) -> Certificate:
    """The level is spent once this has committed, whatever becomes of the look."""
    system = System.objects.select_for_update(of=("self",)).get(pk=scope.system.pk)
    policy = policy_of(system)
    last = Certificate.objects.of(system, scope.segment).newest_first().first()
    if last and last.taken_at + policy.risk.look_every > clock.now():
        due = last.taken_at + policy.risk.look_every
        raise Conflict(f"The last look was a short while ago; the next is due on {due:%-d %b %Y %H:%M} UTC.")
    number = last.look + 1 if last else 1
    delta = round(spent_at_look(1 - policy.risk.confidence / MILLION, number), 12)
    id = clock.new_id()
    entry = record(
        "look_opened", actor=by, kind="certificate", id=id, system=system.pk, policy=_part(system),
        detail={"look": number, "delta": repr(delta), "target": policy.risk.target, "segment": scope.segment},
    )  # fmt: skip
    spent = Certificate.objects.create(
        id=id, system=system, segment=scope.segment, model=scope.model, model_version=scope.model_version,
        prompt_version=scope.prompt_version, look=number, state="looking", target=policy.risk.target, delta=delta,
        in_force=threshold_of(policy, scope.segment), expires_at=entry.at + LIFE, entry_id=entry.id,
    )  # fmt: skip
    spent.refresh_from_db()
    return spent


@transaction.atomic
def _measure(spent: Certificate, scope: Scope, *, by: Actor, sensitivity: Sensitivity | None) -> Certificate:
    found = samples.sample(scope, in_force=spent.in_force)
    goal = spent.target / MILLION
    used = _corrected(goal, spent.delta, sensitivity)
    read = _read(found, spent.in_force, used, goal)
    because = _frozen(found)
    state = "frozen" if because else PROVISIONAL if read.state == "certified" and sensitivity is None else read.state
    document = canonical_bytes({
        "countersign_certificate": 1, "code": CODE, "system": scope.system.slug, "segment": scope.segment,
        "model": scope.model, "model_version": scope.model_version, "prompt_version": scope.prompt_version,
        "look": spent.look, "target": spent.target, "spent": spent.delta, "state": state, "because": because,
        "sensitivity": _told(sensitivity, used), "window": _window(spent, found), "reading": reading.as_json(read),
        "more_audits_at_next_look": _more(spent, read),
        "released_by_rules": [vars(line) for line in released.by_rules(scope)],
    })  # fmt: skip
    digest, threshold = hashlib.sha256(document).hexdigest(), None if because else read.threshold
    entry = record(
        "measured", actor=by, kind="certificate", id=spent.pk, system=scope.system.pk, policy=_part(scope.system),
        payloads={"document": document},
        detail={"look": spent.look, "state": state, "target": spent.target, "delta": repr(spent.delta),
                "threshold": threshold, "digest": digest, "outputs": found.outputs, "labels": found.labels},
    )  # fmt: skip
    changed = Certificate.objects.filter(pk=spent.pk, state="looking").update(
        state=state, threshold=threshold, document=document.decode(), digest=digest, entry_id=entry.id
    )
    if not changed:
        raise Conflict("This look has its certificate already.")
    return Certificate.objects.select_related("system").get(pk=spent.pk)


def standing(certificate: Certificate, *, now: datetime | None = None, known: Current | None = None) -> Standing:
    """The certificate with its document opened, and what is true of it today. `known` is what the caller knows already
    of its threshold, whose latest certificate this then is."""
    document = json.loads(certificate.document)
    read = reading.from_json(document["reading"])
    current = known.scope if known else samples.scope(certificate.system, certificate.segment)
    goal = certificate.target / MILLION
    if certificate.expires_at <= (now or clock.now()):
        state, sentence = "expired", words.expired(certificate.threshold, certificate.expires_at)
    elif current and (current.model, current.model_version, current.prompt_version) != (
        certificate.model, certificate.model_version, certificate.prompt_version,
    ):  # fmt: skip
        state = "frozen"
        sentence = words.frozen(f"{current.model} {current.model_version} answers now; nobody has looked at it yet.")
    elif certificate.state == "frozen":
        state, sentence = "frozen", words.frozen(document["because"])
    elif alarm := known.past.alarm if known else alarm_since(certificate):
        state, sentence = "violated", words.alarmed(alarm["wrong"], alarm["audits"], goal)
    else:
        state = certificate.state
        sentence = sentence_of(read, certificate, goal, more=document["more_audits_at_next_look"])
    return Standing(certificate, document, read, state, sentence)


def alarm_since(certificate: Certificate) -> dict[str, Any] | None:
    """What the last alarm of the audits since the certificate was taken has found: evidence against it, whatever was
    done since."""
    alarms = Incident.objects.of_audits().since(certificate.taken_at).filter(system=certificate.system_id)
    return alarms.newest_first().values_list("facts", flat=True).first()


@dataclass(frozen=True)
class Spent:
    """What all looks at a threshold have used up together, whatever became of them, and what the policy allows."""

    looks: int
    level: float
    allowed: float


def sentence_of(read: Reading, certificate: Certificate, goal: float, *, more: int | None) -> str:
    """The answer of one look in words."""
    if certificate.threshold is not None:
        is_provisional = certificate.state == PROVISIONAL
        return words.certified(certificate.threshold, goal=goal, delta=certificate.delta, is_provisional=is_provisional)
    return words.violated(read, goal) if certificate.state == "violated" else words.unproven(read, goal, more=more)


def take_due(*, by: Actor | None = None) -> list[Certificate]:
    """Takes every look that the schedules ask for now: the first once a policy was in force for `look_every`."""
    taken = []
    for system in System.objects.select_related("in_force").filter(in_force__isnull=False):
        policy = policy_of(system)
        for segment in ("", *(part.id for part in policy.threshold.segments)):
            last = Certificate.objects.of(system, segment).newest_first().first()
            since = last.taken_at if last else system.in_force.in_force_from if system.in_force else None
            if since is None or since + policy.risk.look_every > clock.now():
                continue
            try:
                taken.append(look(system, by=by or actors.machine("tuner"), segment=segment))
            except Conflict:
                continue  # nothing to see yet, or somebody else has just looked: no level was spent
    return taken


def _corrected(target: float, delta: float, sensitivity: Sensitivity | None) -> Corrected:
    if sensitivity is None:
        return Corrected(target=target, delta=delta, sensitivity_lower=1.0)
    return correct_for_sensitivity(target, delta, found=sensitivity.found, seeded=sensitivity.seeded)


def _read(found: Sample, in_force: int | None, used: Corrected, goal: float) -> Reading:
    # Reviewers who find nothing leave a target of 0, under which nothing can be certified; the test wants one above it.
    tested = max(used.target, 1e-9)
    return reading.read(found.bands, in_force=in_force, target=tested, delta=used.delta, goal=max(goal, tested))


def _more(spent: Certificate, read: Reading) -> int | None:
    """How many more verdicts the next look would need, which has less to spend than this one had."""
    if read.state != "unproven":
        return None
    ratio = spent_at_look(1.0, spent.look + 1) / spent_at_look(1.0, spent.look)
    return reading.read(read.bands, in_force=read.in_force, target=read.target, delta=read.delta * ratio).more_audits


def _told(sensitivity: Sensitivity | None, used: Corrected) -> dict[str, Any]:
    if sensitivity is None:
        return {"assumption": "reviewers miss nothing"}
    return {"found": sensitivity.found, "seeded": sensitivity.seeded, "lower": used.sensitivity_lower}


def _window(spent: Certificate, found: Sample) -> dict[str, Any]:
    earlier = Certificate.objects.of(spent.system, spent.segment).filter(look__lt=spent.look).finished().newest_first()
    last = earlier.values_list("document", flat=True).first()
    is_fresh = not last or bool(found.opens and json.loads(last)["window"]["closes"] <= found.opens.isoformat())
    return {
        "opens": found.opens and found.opens.isoformat(), "closes": found.closes.isoformat(),
        "kind": "fresh" if is_fresh else "pooled", "outputs": found.outputs, "audits": found.audits,
        "unjudged": found.unjudged, "lost": found.lost, "thinned": found.thinned, "undecided": found.undecided,
        "left_out": found.left_out, "audit_rate": found.audit_rate, "same_case": found.same_case,
    }  # fmt: skip


def _frozen(found: Sample) -> str:
    """Why the sample can prove nothing, empty when it can."""
    if found.audits and found.unjudged > samples.MOST_UNJUDGED * found.audits:
        return f"{found.unjudged} of {found.audits} audits were never judged, so those that were are no random sample."
    return ""


def _looks(system: System, segment: str) -> int:
    last = Certificate.objects.of(system, segment).newest_first().values_list("look", flat=True).first()
    return last or 0


def _part(system: System) -> dict[str, Any] | None:
    return policy_part(system.in_force, slug=system.slug) if system.in_force else None
