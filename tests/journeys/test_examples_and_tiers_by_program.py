"""Programs keep examples and change risk tiers as people do on the pages, with no more rights than theirs."""

from __future__ import annotations

import pytest

from governance.models import Entry, Example, Output, System, TierChange
from tests import cast
from tests.journeys.program import Program
from tests.reviews.desk import desk
from tests.reviews.intake.sent import document

pytestmark = pytest.mark.django_db
POLICIES = ("policies:read", "policies:write", "outputs:read")


def sent(system: System, name: str = "n-1") -> Output:
    answer = Program(system).post("outputs/", document(name, confidence=0.99, system=system.slug))
    assert answer.status_code == 201, answer.content
    return Output.objects.get(pk=answer.json()["id"])


def test_an_output_is_pinned_listed_with_what_the_policy_in_force_says_and_dropped_once() -> None:
    system = cast.system(audit={"rate": 0})
    carols = Program(system, *POLICIES, person=cast.carol())
    output = sent(system)
    made = carols.post(f"outputs/{output.pk}/example/", {"expected": "review", "note": "Blurred."})
    assert (made.status_code, made.json()["pinned_by"], made.json()["note"]) == (201, "Carol", "Blurred.")
    assert carols.post(f"outputs/{output.pk}/example/", {"expected": "block"}).status_code == 409
    (row,) = carols.get(f"systems/{system.slug}/examples/").json()["results"]
    assert (row["external_id"], row["lane"], row["rule"], row["is_broken"]) == (
        "n-1", "release", "threshold:default", True,
    )  # fmt: skip
    at = f"systems/{system.slug}/examples/{row['id']}/drop/"
    assert carols.post(at, {}).json()["dropped_at"] is not None
    assert carols.post(at, {}).status_code == 409
    assert carols.get(f"systems/{system.slug}/examples/").json() == {"results": []}
    assert [e.type for e in Entry.objects.filter(subject=row["id"]).order_by("rev")] == [
        "example_pinned", "example_dropped",
    ]  # fmt: skip


def test_an_example_of_another_system_is_nowhere() -> None:
    here, there = cast.system(audit={"rate": 0}), cast.system("letters", audit={"rate": 0})
    output = sent(there)
    erik = cast.erik()
    kept = Program(there, *POLICIES, person=erik).post(f"outputs/{output.pk}/example/", {"expected": "release"}).json()
    program = Program(here, *POLICIES, person=erik)
    assert program.post(f"outputs/{output.pk}/example/", {"expected": "release"}).status_code == 404
    assert program.post(f"systems/{here.slug}/examples/{kept['id']}/drop/", {}).status_code == 404
    assert Example.objects.get().dropped_at is None


def test_who_may_still_judge_an_output_blind_learns_nothing_of_its_example() -> None:
    system = cast.system()
    (item,) = desk(system, purpose="audit")
    dana = Program(system, *POLICIES, person=cast.dana())
    assert dana.post(f"outputs/{item.output_id}/example/", {"expected": "review"}).status_code == 201
    assert len(dana.get(f"systems/{system.slug}/examples/").json()["results"]) == 1
    alice, carol = (Program(system, *POLICIES, person=who) for who in (cast.alice(), cast.carol()))
    assert alice.get(f"systems/{system.slug}/examples/").json() == {"results": []}
    pages = [
        cast.signed_in(who).get(f"/systems/{system.slug}/examples/").content for who in (cast.dana(), cast.alice())
    ]
    assert [item.output.external_id.encode() in page for page in pages] == [True, False]
    assert b"1 not shown, since you may still judge the output blind" in pages[1]
    assert carol.post(f"outputs/{item.output_id}/example/", {"expected": "block"}).status_code == 404


@pytest.mark.parametrize(
    "body", [{}, {"expected": "elsewhere"}, {"expected": "review", "note": "x" * 501}, {"note": 1}]
)
def test_an_example_that_cannot_be_is_refused(body: dict[str, object]) -> None:
    system = cast.system(audit={"rate": 0})
    output = sent(system)
    answer = Program(system, *POLICIES, person=cast.carol()).post(f"outputs/{output.pk}/example/", body)
    assert answer.status_code == 422


def test_a_lower_tier_is_asked_for_and_signed_by_keys_that_the_policy_admits() -> None:
    system = cast.system(approval_by_key=True)
    dana, erik = (Program(system, *POLICIES, person=who) for who in (cast.dana(), cast.erik()))
    at = f"systems/{system.slug}/tier/"
    asked = dana.post(at, {"becomes": "minimal"})
    assert (asked.status_code, asked.json()["state"], asked.json()["missing"]) == (200, "waiting", [["approver"]])
    assert dana.post(at, {"becomes": "minimal"}).json()["id"] == asked.json()["id"]
    assert erik.get(at).json() == {"risk_tier": "limited", "changes": [asked.json()]}
    assert dana.post(f"{at}sign/", {"id": asked.json()["id"]}).status_code == 403  # she asked for it
    signed = erik.post(f"{at}sign/", {"id": asked.json()["id"]}).json()
    assert (signed["state"], signed["missing"], signed["signatures"][0]["signer"]) == ("done", [], "Erik")
    assert erik.get(at).json()["risk_tier"] == "minimal"
    assert erik.post(f"{at}decline/", {"id": asked.json()["id"]}).status_code == 409


def test_other_keys_sign_and_decline_no_tier() -> None:
    system = cast.system()
    dana, erik = (Program(system, *POLICIES, person=who) for who in (cast.dana(), cast.erik()))
    at = f"systems/{system.slug}/tier/"
    asked = dana.post(at, {"becomes": "minimal"}).json()
    assert erik.post(f"{at}sign/", {"id": asked["id"]}).status_code == 403
    assert erik.post(f"{at}decline/", {"id": asked["id"]}).status_code == 403
    assert TierChange.objects.get().state == "waiting"


def test_a_tier_that_needs_no_signature_is_not_asked_for_here() -> None:
    system, (bare, _) = cast.system(), cast.bare_system("bare", risk_tier="high")
    dana = Program(system, *POLICIES, person=cast.dana())
    for becomes in ("limited", "high"):
        assert dana.post(f"systems/{system.slug}/tier/", {"becomes": becomes}).status_code == 409
    assert dana.post(f"systems/{system.slug}/tier/", {"becomes": "none"}).status_code == 422
    at = f"systems/{bare.slug}/tier/"
    assert Program(bare, *POLICIES, person=cast.dana()).post(at, {"becomes": "minimal"}).status_code == 409


def test_a_change_of_another_system_is_signed_nowhere_else() -> None:
    here, there = cast.system(), cast.system("letters")
    for system in (here, there):
        Program(system, *POLICIES, person=cast.dana()).post(f"systems/{system.slug}/tier/", {"becomes": "minimal"})
    erik = cast.signed_in(cast.erik())
    foreign = TierChange.objects.get(system=there)
    answer = erik.post(
        f"/api/v1/systems/{here.slug}/tier/sign/", {"id": str(foreign.pk)}, content_type="application/json"
    )
    assert answer.status_code == 404
    assert set(TierChange.objects.values_list("state", flat=True)) == {"waiting"}
