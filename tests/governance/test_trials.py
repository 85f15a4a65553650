"""A version on trial: in the shadow nothing of it is acted on; as a canary it judges a stable share; guards end it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.models import Entry, Output, PolicyVersion, System
from governance.monitoring import guards
from governance.people.actors import machine
from governance.policies import halting, lifecycle, registry, trials
from governance.policies.candidate import MILLION
from governance.refusals import Conflict, Invalid, NotAllowed
from governance.tuning import forecasts, replaying
from reviews import intake
from reviews.intake.judges import is_in_canary
from reviews.intake.judging import Dice
from reviews.routing.waiting import route_waiting
from tests import cast
from tests.journeys.program import Program
from tests.reviews.intake.sent import raw

pytestmark = pytest.mark.django_db
LOOSER = cast.policy(threshold={"default": 0.5}, audit={"rate": 0})


@pytest.fixture
def system() -> System:
    return cast.system(audit={"rate": 0})


def approved(system: System, document: dict[str, Any] = LOOSER) -> PolicyVersion:
    version = lifecycle.propose(system, document, by=cast.acting(cast.dana(), system)).version
    lifecycle.approve(version, by=cast.acting(cast.erik(), system), digest=version.digest)
    return PolicyVersion.objects.get(pk=version.pk)


def erik(system: System) -> Any:
    return cast.acting(cast.erik(), system)


def send(system: System, names: list[str], **parts: Any) -> dict[str, Output]:
    bodies = [intake.read(raw(name, **{"confidence": 0.7, **parts})) for name in names]
    assert all(isinstance(one, intake.Taken) for one in intake.accept(bodies, system=system, actor=machine("test")))
    return {output.external_id: output for output in Output.objects.filter(external_id__in=names)}


def names(prefix: str, count: int = 200) -> list[str]:
    return [f"{prefix}-{number}" for number in range(count)]


def test_in_the_shadow_nothing_is_acted_on(system: System) -> None:
    version = trials.shadow(approved(system), by=erik(system))
    found = send(system, names("s", 20))
    assert {output.lane for output in found.values()} == {"review"}
    assert version.pk not in {output.policy_id for output in found.values()}


def test_a_canary_judges_its_share_and_its_verdicts_say_so(system: System) -> None:
    version = trials.canary(approved(system), share=300_000, by=erik(system))
    found = send(system, names("c", 400))
    judged = [output for output in found.values() if output.policy_id == version.pk]
    assert 80 < len(judged) < 160
    assert {output.lane for output in judged} == {"release"}
    assert {output.lane for output in found.values() if output.policy_id != version.pk} == {"review"}
    leaf = bytes(Entry.objects.get(pk=judged[0].entry_id).leaf).decode()
    assert f'"version":{version.number}' in leaf
    assert version.digest in leaf
    (alone,) = send(system, [judged[0].external_id + "!"]).values()
    assert alone.policy_id in (version.pk, system.in_force_id)


def test_one_by_one_and_in_a_batch_the_same_outputs_are_in_the_canary(system: System) -> None:
    version = trials.canary(approved(system), share=500_000, by=erik(system))
    force = registry.in_force(system.pk)
    assert force is not None
    dice = _dice()
    for name in names("one", 10):
        (output,) = send(system, [name]).values()
        inside = is_in_canary(dice, str(system.pk), name, 500_000)
        assert (output.policy_id == version.pk) is inside


def _dice() -> Dice:
    from django.conf import settings

    return Dice.newest(settings.DRAW_KEYS)


@given(st.text(min_size=1, max_size=20), st.integers(1, MILLION - 1), st.integers(1, MILLION - 1))
def test_what_is_in_a_canary_stays_in_it_when_the_share_is_raised(name: str, one: int, other: int) -> None:
    dice = Dice(b"k" * 32, 1)
    low, high = sorted((one, other))
    assert not is_in_canary(dice, "s", name, low) or is_in_canary(dice, "s", name, high)


def test_a_canary_that_cannot_judge_leaves_the_output_to_the_version_in_force(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = trials.canary(approved(system), share=999_999, by=erik(system))
    policy = registry.compiled(version.pk)
    monkeypatch.setitem(policy.__dict__, "_plan", "no plan at all")
    for found in (send(system, names("broken", 20)), send(system, ["alone"])):
        assert {output.policy_id for output in found.values()} == {system.in_force_id}
        assert {output.rule for output in found.values()} == {"threshold:default"}


def test_a_halt_stops_a_canary_too(system: System) -> None:
    trials.canary(approved(system), share=999_999, by=erik(system))
    halting.halt(system, by=cast.acting(cast.carol(), system), because="Stop.")
    assert {output.rule for output in send(system, names("h", 20), confidence=0.99).values()} == {"halt"}


def test_a_trial_needs_an_approved_version_and_runs_alone(system: System) -> None:
    proposed = lifecycle.propose(system, LOOSER, by=cast.acting(cast.dana(), system)).version
    with pytest.raises(Conflict, match="not approved"):
        trials.shadow(proposed, by=erik(system))
    lifecycle.approve(proposed, by=erik(system), digest=proposed.digest)
    with pytest.raises(NotAllowed):
        trials.canary(proposed, share=100_000, by=cast.acting(cast.alice(), system))
    for share in (0, MILLION, -1):
        with pytest.raises(Invalid):
            trials.canary(proposed, share=share, by=erik(system))
    trials.shadow(proposed, by=erik(system))
    other = approved(system, cast.policy(threshold={"default": 0.6}))
    with pytest.raises(Conflict, match="Another version"):
        trials.canary(other, share=100_000, by=erik(system))


def test_from_the_shadow_over_a_canary_into_force(system: System) -> None:
    version = trials.shadow(approved(system), by=erik(system))
    trials.canary(version, share=100_000, by=erik(system))
    trials.canary(version, share=500_000, by=erik(system))
    lifecycle.activate(version, by=erik(system))
    system = System.objects.get()
    assert (system.in_force_id, system.trial_id) == (version.pk, None)
    assert {output.lane for output in send(system, names("after", 20)).values()} == {"release"}
    types = list(Entry.objects.filter(subject=version.pk).order_by("rev").values_list("type", flat=True))
    assert types == ["proposed", "approved", "shadow_set", "canary_set", "canary_set", "activated"]


def test_another_policy_in_force_ends_the_trial(system: System) -> None:
    version = trials.canary(approved(system), share=500_000, by=erik(system))
    cast.put_in_force(system, cast.policy(threshold={"default": 0.95}))
    version.refresh_from_db()
    assert (version.state, System.objects.get().trial_id) == ("retired", None)
    with pytest.raises(Conflict):
        lifecycle.activate(version, by=erik(system))


def test_a_trial_that_was_ended_is_never_what_is_restored(system: System) -> None:
    version = trials.canary(approved(system), share=500_000, by=erik(system))
    trials.stop(version, by=cast.acting(cast.carol(), system), because="Not convincing.")
    assert {output.lane for output in send(system, names("ended", 20)).values()} == {"review"}
    cast.put_in_force(system, cast.policy(threshold={"default": 0.8}))
    assert lifecycle.restore(system, by=erik(system)).number == 1


def guarded(**said: Any) -> dict[str, Any]:
    return cast.policy(threshold={"default": 0.5}, audit={"rate": 0}, guards=said)


def test_a_guard_ends_a_canary_and_says_so_in_an_incident(system: System) -> None:
    version = trials.canary(approved(system, guarded(breach_rate=0.1, least=5)), share=999_999, by=erik(system))
    send(system, names("ok", 10))
    assert guards.check() == []
    send(system, names("broken", 10), output={"digit": "seven"})
    (incident,) = guards.check()
    version.refresh_from_db()
    assert (version.state, System.objects.get().trial_id) == ("retired", None)
    assert "break the contract" in incident.title
    assert "canary was ended" in incident.title
    assert guards.check() == []


def test_a_guard_takes_a_policy_in_force_back_to_the_one_before(system: System) -> None:
    version = cast.put_in_force(system, guarded(backlog=5))
    send(system, names("waiting", 10), confidence=0.1)
    (incident,) = guards.check()
    assert System.objects.get().in_force_id != version.pk
    assert incident.title.endswith("Policy 1 is in force again.")
    entry = Entry.objects.filter(type="restored").get()
    assert '"guard"' in bytes(entry.leaf).decode()


def test_with_no_policy_to_go_back_to_a_guard_halts_the_system() -> None:
    system = cast.system(guards={"backlog": 3})
    send(system, names("waiting", 5), confidence=0.1)
    (incident,) = guards.check()
    halt = System.objects.select_related("halt").get().halt
    assert halt is not None
    assert halt.halted_by is None
    assert "halted" in incident.title
    assert guards.check() == []


def test_a_guard_on_overrides_takes_a_policy_back(system: System) -> None:
    reasons = {"undo_seconds": 0, "reasons": [{"code": "wrong-label", "label": "Wrong label"}]}
    version = cast.put_in_force(system, guarded(override_rate=0.5, least=3) | {"review": reasons})
    alice = Program(system, person=cast.alice())
    send(system, names("decided", 3), confidence=0.1)
    while route_waiting():
        pass
    for verdict in ("approve", "override", "override"):
        assert guards.crossed(version) is None
        taken = alice.take()
        assert taken is not None
        said = {"output": {"digit": 1}, "reasons": ["wrong-label"]} if verdict == "override" else {}
        assert alice.decide(taken, verdict=verdict, **said).status_code == 200
    (incident,) = guards.check()
    assert incident.facts["counted"] == 2
    assert System.objects.get().in_force_id != version.pk


def test_the_page_compares_both_on_what_has_arrived_and_widens_the_canary(system: System) -> None:
    version = trials.shadow(approved(system), by=erik(system))
    send(system, names("page", 40))
    browser = cast.signed_in(cast.erik())
    page = browser.get(f"/systems/{system.slug}/trial/").content.decode()
    assert "runs in the shadow of policy 1" in page
    assert "threshold:default" in page
    assert browser.post(f"/systems/{system.slug}/trial/", {"do": "canary", "share": "10"}).status_code == 302
    version.refresh_from_db()
    assert (version.state, version.share) == ("canary", 100_000)
    for wrong in ("0", "100", "ten", "0.00001", "NaN", "1e999"):
        assert browser.post(f"/systems/{system.slug}/trial/", {"do": "canary", "share": wrong}).status_code == 422
    assert browser.post(f"/systems/{system.slug}/trial/", {"do": "activate"}).status_code == 302
    assert "No version of Digits is on trial" in browser.get(f"/systems/{system.slug}/trial/").content.decode()


def test_a_version_keeps_its_forecast_and_shows_what_came_of_it(system: System) -> None:
    send(system, [*names("past", 50)])
    version = lifecycle.propose(system, LOOSER, by=cast.acting(cast.dana(), system)).version
    replaying.attach(version, by=cast.acting(cast.dana(), system))
    version = PolicyVersion.objects.select_related("replay").get(pk=version.pk)
    assert version.replay is not None
    lifecycle.approve(version, by=erik(system), digest=version.digest, replay=version.replay.digest)
    lifecycle.activate(version, by=erik(system))
    send(system, names("then", 30))
    send(system, names("under", 10), confidence=0.2)
    told = forecasts.forecast(PolicyVersion.objects.select_related("replay").get(pk=version.pk))
    assert told.forecast is not None
    assert told.forecast.released == 1000
    (so_far,) = told.actual
    assert (so_far.span, so_far.is_over, so_far.outputs) == ("a day", False, 40)
    assert so_far.share is not None
    assert (so_far.share.released, so_far.share.reviews) == (750, 250)
    page = cast.signed_in(cast.dana()).get(f"/systems/{system.slug}/policy/{version.number}/").content.decode()
    assert "So far, within a day" in page
