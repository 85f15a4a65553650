"""Examples of what policies must do: pinned from any output, and a proposal that breaks one says why."""

from __future__ import annotations

from typing import Any

import pytest

from governance.models import Entry, Example, Output, PolicyVersion, System
from governance.policies import drafts, examples, lifecycle
from governance.refusals import Conflict, Invalid, NotAllowed
from reviews.erasing import erase_output
from reviews.models import Decision
from reviews.routing.waiting import route_waiting
from tests import cast
from tests.journeys.program import Program
from tests.reviews.intake.sent import document

REVIEW = {"undo_seconds": 0, "reasons": [{"code": "wrong-label", "label": "Wrong label"}]}
LOOSE = cast.policy(threshold={"default": 0.8}, review=REVIEW)


@pytest.fixture
def system(db) -> System:
    return cast.system(review=REVIEW, audit={"rate": 0})


def sent(system: System, number: int = 1, **parts: Any) -> Output:
    said = document(f"n-{number}", **{"confidence": 0.85, "system": system.slug, **parts})
    answer = Program(system).post("outputs/", said)
    assert answer.status_code == 201, answer.content
    return Output.objects.select_related("system").get(pk=answer.json()["id"])


def pinned(system: System, **parts: Any) -> Example:
    return examples.pin(sent(system, **parts), expected="review", by=cast.acting(cast.carol(), system), note="Blurred.")


def test_a_proposal_that_breaks_an_example_is_refused_until_it_says_why(system: System) -> None:
    example = pinned(system)
    with pytest.raises(Invalid) as refusal:
        lifecycle.propose(system, LOOSE, by=cast.acting(cast.dana()))
    (told,) = refusal.value.errors
    assert told.code == "breaks-example"
    assert told.detail == "n-1 must go to review, and would go out alone by threshold:default."
    assert not PolicyVersion.objects.filter(number=2).exists()
    version = lifecycle.propose(system, LOOSE, by=cast.acting(cast.dana()), despite="The scanner is new.").version
    assert (version.breaks, version.despite) == ([str(example.pk)], "The scanner is new.")
    entry = Entry.objects.get(subject=version.pk, type="proposed")
    assert str(example.pk).encode() in bytes(entry.leaf)


def test_one_that_breaks_none_needs_no_reason_and_keeps_none(system: System) -> None:
    pinned(system)
    text = cast.policy(threshold={"default": 0.86}, review=REVIEW)
    version = lifecycle.propose(system, text, by=cast.acting(cast.dana()), despite="In case.").version
    assert (version.breaks, version.despite) == ([], "")


def test_an_example_may_demand_a_release_or_a_block(system: System) -> None:
    by = cast.acting(cast.dana())
    for number, expected in enumerate(("release", "block")):
        examples.pin(sent(system, number, confidence=0.95), expected=expected, by=by)
    wrong = examples.broken(PolicyVersion.objects.select_related("system").get(number=1))
    assert [one.example.expected for one in wrong] == ["block"]


def test_signers_see_what_breaks_and_why(system: System) -> None:
    pinned(system)
    lifecycle.propose(system, LOOSE, by=cast.acting(cast.dana()), despite="The scanner is new.")
    page = cast.signed_in(cast.erik()).get(f"/systems/{system.slug}/proposals/2/").content.decode()
    assert "Examples that it breaks" in page
    assert "The scanner is new." in page
    assert "n-1" in page


def test_an_example_pinned_after_the_proposal_stops_its_signature(system: System) -> None:
    version = lifecycle.propose(system, LOOSE, by=cast.acting(cast.dana())).version
    pinned(system)
    with pytest.raises(Conflict, match="pinned since"):
        lifecycle.approve(version, by=cast.acting(cast.erik()), digest=version.digest)


def test_an_erased_example_tests_nothing_any_more(system: System) -> None:
    example = pinned(system, confidence=0.95)
    with pytest.raises(Invalid):
        lifecycle.propose(system, LOOSE, by=cast.acting(cast.dana()))
    erase_output(example.output_id, by=cast.CONSOLE, because="Asked for.")
    assert lifecycle.propose(system, LOOSE, by=cast.acting(cast.dana())).is_new
    page = cast.signed_in(cast.dana()).get(f"/systems/{system.slug}/examples/").content.decode()
    assert "its content was erased" in page


def test_only_those_who_answer_for_the_policy_pin_and_its_owner_drops_none(system: System) -> None:
    output = sent(system)
    with pytest.raises(NotAllowed):
        examples.pin(output, expected="review", by=cast.acting(cast.alice(), system))
    example = examples.pin(output, expected="review", by=cast.acting(cast.dana(), system))
    with pytest.raises(Conflict):
        examples.pin(output, expected="block", by=cast.acting(cast.dana(), system))
    with pytest.raises(NotAllowed):
        examples.drop(example, by=cast.acting(cast.dana(), system))
    examples.drop(example, by=cast.acting(cast.erik(), system))
    with pytest.raises(Conflict):
        examples.drop(example, by=cast.acting(cast.erik(), system))


def test_every_override_in_the_history_is_pinned_with_one_click(system: System) -> None:
    output = sent(system)
    alice = Program(system, person=cast.alice())
    route_waiting()
    taken = alice.take()
    assert taken
    assert alice.decide(taken, verdict="override", output={"digit": 4}).status_code == 200
    assert Decision.objects.get().output_id == output.pk
    carol = cast.signed_in(cast.carol())
    url = f"/outputs/{output.pk}/example/"
    assert url in carol.get("/history/").content.decode()
    assert carol.post(url, {"expected": "review"}, follow=True).status_code == 200
    assert Example.objects.get().expected == "review"
    assert url not in carol.get("/history/").content.decode()
    assert url not in cast.signed_in(cast.alice()).get("/history/").content.decode()
    assert "It is an example" in carol.get(f"/outputs/{output.pk}/").content.decode()


def test_the_editor_names_what_a_draft_breaks_before_it_is_proposed(system: System) -> None:
    pinned(system)
    dana, url = cast.signed_in(cast.dana()), f"/systems/{system.slug}/policy/draft/"
    dana.get(url)
    page = dana.post(url, {"do": "save", "revision": "1", "threshold": "80"}, follow=True).content.decode()
    assert "It breaks 1 example" in page
    refused = dana.post(url, {"do": "propose", "revision": "2", "threshold": "80", "because": "More."})
    assert refused.status_code == 422
    said = {"do": "propose", "revision": "3", "threshold": "80", "despite": "The scanner is new."}
    assert dana.post(url, said).status_code == 302
    assert PolicyVersion.objects.get(number=2).despite == "The scanner is new."
    assert not drafts.others(system, by=cast.acting(cast.erik()))


def test_programs_say_why_too(system: System) -> None:
    pinned(system)
    dana = Program(system, "policies:write", "policies:read", person=cast.dana())
    refused = dana.post(f"systems/{system.slug}/policies/", {"policy": LOOSE})
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "breaks-example")
    taken = dana.post(f"systems/{system.slug}/policies/", {"policy": LOOSE, "despite": "New scanner."})
    assert (taken.status_code, taken.json()["despite"]) == (201, "New scanner.")
