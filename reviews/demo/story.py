"""The demonstration's history, made by doing it: register, sign, review everything, certify, lower, release, audit."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from django.db import connection

from governance.models import KnownAnswer, Person, PolicyVersion, System
from governance.people import actors, keys
from governance.people.actors import CONSOLE
from governance.policies import lifecycle
from governance.policies.systemfile import SystemFile, read_system_file
from governance.tuning import looks, proposing, replaying
from reviews import intake
from reviews.demo import deciding, models, people
from reviews.demo.deciding import Simulated
from reviews.demo.models import Case
from reviews.quality import known_answers
from reviews.routing.waiting import route_waiting

HERE: Final = Path(__file__).parent
SLUGS: Final = ("form-digits", "biopsy-triage")
# Phase one has everything reviewed, the unsure ones of the first part by two people; the rest comes in once the
# threshold is certified. What came last waits for whoever tries the demonstration; a window of evidence ends before the
# oldest output that nobody has decided.
DIGITS_BY_TWO: Final = 450
DIGITS_FIRST: Final = 1100
DIGITS_NEXT: Final = 250
BIOPSIES_FIRST: Final = 270

ONE_IS_ENOUGH: Final = "Two people hardly ever differed on the first 450 digits; from here on one reads each."
MORE_AUDITS: Final = "Twice as many audits, so that the next certificate needs half the time."

Track = Callable[[str, int], Callable[[int], None]]


def is_begun() -> bool:
    """Whether this installation has a part of the demonstration, or all of it."""
    return System.objects.filter(slug__in=SLUGS).exists()


def is_told() -> bool:
    """Whether this installation has the demonstration already, up to its last step."""
    return PolicyVersion.objects.filter(system__slug=SLUGS[0], because=MORE_AUDITS).exists()


def tell(track: Track, *, passwords: Path) -> None:
    """Makes the whole history. `track(title, total)` gives a function that a progress bar is moved by."""
    systems = {slug: _register(_file(slug)) for slug in SLUGS}
    people.create(systems, kept_in=passwords)
    for slug in SLUGS:
        _govern(systems[slug], _file(slug))
    digits, biopsies = list(models.digits()), list(models.biopsies())
    first, rest = digits[:DIGITS_FIRST], digits[DIGITS_FIRST:]
    by_two, by_one = first[:DIGITS_BY_TWO], first[DIGITS_BY_TWO:]
    _send(systems["form-digits"], by_two, track("Digits arrive, the unsure ones for two people", len(by_two)))
    _decide("form-digits", digits, track)
    _simplify(systems["form-digits"])
    _send(systems["form-digits"], by_one, track("Digits arrive, each for one person", len(by_one)))
    _decide("form-digits", digits, track)
    seen, unseen = biopsies[:BIOPSIES_FIRST], biopsies[BIOPSIES_FIRST:]
    _send(systems["biopsy-triage"], seen, track("Biopsies arrive", len(seen)))
    _decide("biopsy-triage", biopsies, track)
    _seed([*digits, *biopsies], track)
    _wait_until_final(track)
    _lower(systems["form-digits"])
    more, last = rest[:DIGITS_NEXT], rest[DIGITS_NEXT:]
    _send(systems["form-digits"], more, track("Digits arrive under the certified threshold", len(more)))
    _decide("form-digits", digits, track)
    _send(systems["biopsy-triage"], unseen, track("Biopsies arrive for you", len(unseen)))
    _send(systems["form-digits"], last, track("Digits arrive for you", len(last)))
    _ask_for_more_audits(systems["form-digits"])


def _file(slug: str) -> SystemFile:
    path = HERE / f"{slug}.yaml"
    return read_system_file(path.read_text(), path.name)


def _register(file: SystemFile) -> System:
    return lifecycle.register_system(**_told(file), by=CONSOLE).system


def _told(file: SystemFile) -> dict[str, str]:
    return {name: getattr(file.system, name) for name in ("slug", "name", "purpose", "risk_tier", "owner")}


def _govern(system: System, file: SystemFile) -> None:
    """The policy of phase one: proposed by an owner, signed by those whom the tier asks for, and put in force."""
    proposer, other_owner = people.named("priya"), people.named("ines")
    if system.risk_tier == "high":
        proposer, other_owner = other_owner, proposer
    by = _as(proposer, system)
    contract = lifecycle.register_contract(system, file.contract_document, by=by).contract
    because = "To begin with a person sees everything."
    version = lifecycle.propose(system, file.policy_document, by=by, because=because, contract=contract).version
    signers = [people.named("ada")] + ([other_owner] if system.risk_tier == "high" else [])
    _sign(version, signers)


def _sign(version: PolicyVersion, signers: Iterable[Person], *, replay: str = "") -> None:
    system = version.system
    for signer in signers:
        by = _as(signer, system)
        lifecycle.approve(version, by=by, digest=version.digest, replay=replay, comment="Read and agreed.")
    lifecycle.activate(version, by=_as(people.named("ada"), system))


def _as(person: Person, system: System) -> actors.Actor:
    return actors.person(person, system=system.pk, auth="password")


def _send(system: System, cases: Sequence[Case], tick: Callable[[int], None]) -> None:
    """Sends the outputs through the ordinary intake, as their producer would, and routes what needs a person."""
    key = system.keys.first()
    if key is None:
        key, _ = keys.create(f"{system.owner} producer", system=system, scopes=["outputs:write"], by=CONSOLE)
    sender = intake.Sender(system, actors.key(key), key.pk)
    bodies = [intake.read(msgspec.json.encode({"system": system.slug, **case.body})) for case in cases]
    for results in intake.accept_chunks(bodies, sender):
        tick(len(results))
    while route_waiting():
        pass


def _simplify(system: System) -> None:
    """The digits' second version: without a second reader for the unsure ones."""
    system = System.objects.get(pk=system.pk)
    assert system.in_force is not None  # noqa: S101  phase one put a version in force
    document = msgspec.json.decode(system.in_force.document)
    document["routing"]["rules"] = []
    filed = lifecycle.propose(system, document, by=_as(people.named("priya"), system), because=ONE_IS_ENOUGH)
    _sign(filed.version, [people.named("ada")])


def _seed(cases: Iterable[Case], track: Track) -> None:
    """Errors that two people confirmed come back among the others; people who have not seen them decide."""
    known_answers.seed_due()
    while route_waiting():
        pass
    truths = {case.body["external_id"]: case for case in cases}
    replayed = [
        Case({"external_id": known.output.external_id}, truths[known.original.external_id].truth)
        for known in KnownAnswer.objects.select_related("output", "original")
    ]
    for slug in SLUGS:
        _decide(slug, [*truths.values(), *replayed], track)


def _decide(slug: str, cases: Iterable[Case], track: Track) -> None:
    truths: Mapping[str, dict[str, Any]] = {case.body["external_id"]: case.truth for case in cases}
    crowd = [people.named(f"simulated-{who}") for who in ("1", "2", "3", "4", "5", "lead")]
    desks = [Simulated(person, truths=truths, seed=number) for number, person in enumerate(crowd)]
    queues = ["general", "seniors"] if slug == "form-digits" else ["pathology", "seniors"]
    tick = track(f"Simulated reviewers decide {slug}", deciding.waiting(slug))
    deciding.work_off(desks, queues=queues, waiting=lambda: deciding.waiting(slug), tick=tick)


def _wait_until_final(track: Track) -> None:
    """Decisions count once they can no longer be undone; no time is ever back-dated, so this one is waited for."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT ceil(extract(epoch FROM max(final_at) - clock_timestamp()))::int FROM governance_output")
        seconds = max(0, cursor.fetchone()[0] or 0)
    tick = track("The last decisions become final", seconds)
    for _ in range(seconds):
        time.sleep(1)
        tick(1)


def _lower(system: System) -> None:
    """One look for each system; the digits' threshold moves to where it is certified, signed by somebody else."""
    taken = {slug: looks.look(System.objects.get(slug=slug), by=CONSOLE) for slug in SLUGS}
    if not looks.standing(taken[system.slug]).is_good:
        return  # chance was against it: the pages say so, and people go on deciding everything
    priya = _as(people.named("priya"), system)
    filed = proposing.propose(system, by=priya)
    shown = replaying.attach(filed.version, by=priya)
    _sign(filed.version, [people.named("jonas")], replay=shown.digest)


def _ask_for_more_audits(system: System) -> None:
    """Leaves a proposal that waits for a signature: a visitor can sign it."""
    system = System.objects.get(pk=system.pk)
    assert system.in_force is not None  # noqa: S101  phase one put a version in force
    document = msgspec.json.decode(system.in_force.document)
    document["audit"] = {**document.get("audit", {}), "rate": 0.1}
    priya = _as(people.named("priya"), system)
    version = lifecycle.propose(system, document, by=priya, because=MORE_AUDITS).version
    replaying.attach(version, by=priya)
