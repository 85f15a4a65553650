"""The stop button: who presses it, what it stops, what it keeps, and who lets go."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import IntegrityError, transaction
from django.utils import timezone

from governance.models import Entry, Halt, Output, Person, System
from governance.policies import halting, registry
from governance.refusals import Conflict, Invalid, NotAllowed
from reviews.routing.waiting import route_waiting
from tests import cast
from tests.journeys.program import Program
from tests.reviews.intake.sent import document

pytestmark = pytest.mark.django_db


@pytest.fixture
def system() -> System:
    return cast.system(review={"undo_seconds": 0, "reasons": [{"code": "wrong-label", "label": "Wrong label"}]})


def stop(system: System, because: str = "It reads sevens as ones.") -> Halt:
    return halting.halt(system, by=cast.acting(cast.carol(), system), because=because)


def send(program: Program, number: int) -> dict[str, Any]:
    answer = program.post("outputs/", document(f"n-{number}", confidence=0.99))
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_while_a_system_is_halted_everything_goes_to_people(system: System) -> None:
    producer = Program(system)
    assert send(producer, 1)["status"] == "released"
    stop(system)
    told = send(producer, 2)
    assert (told["status"], told["verdict"]["rule"]) == ("in_review", "halt")
    halting.lift(System.objects.get(), by=cast.acting(cast.erik(), system))
    assert send(producer, 3)["status"] == "released"


def test_a_halt_survives_a_change_of_policy(system: System) -> None:
    stop(system)
    cast.put_in_force(system, cast.policy(threshold={"default": 0.1}))
    assert send(Program(system), 1)["verdict"]["rule"] == "halt"


def test_what_people_decide_is_kept_and_told_once_it_is_lifted(system: System) -> None:
    producer, alice = Program(system), Program(system, person=cast.alice())
    stop(system)
    id = send(producer, 1)["id"]
    route_waiting()
    taken = alice.take()
    assert taken is not None
    assert alice.decide(taken, verdict="approve").status_code == 200
    told = producer.get(f"outputs/{id}/").json()
    assert (told["status"], told["resolution"]) == ("in_review", None)
    assert [row["id"] for row in producer.get("outputs/?status=in_review").json()["results"]] == [id]
    assert producer.get("outputs/?status=approved").json()["results"] == []
    halting.lift(System.objects.get(), by=cast.acting(cast.erik(), system))
    told = producer.get(f"outputs/{id}/").json()
    assert (told["status"], told["resolution"]["by"]) == ("approved", "person")
    assert [row["id"] for row in producer.get("outputs/?status=approved").json()["results"]] == [id]


def test_what_was_final_before_a_halt_stays_told(system: System) -> None:
    producer = Program(system)
    id = send(producer, 1)["id"]
    Output.objects.filter(pk=id).update(final_at=timezone.now() - timedelta(minutes=1))
    stop(system)
    assert producer.get(f"outputs/{id}/").json()["status"] == "released"


def test_halting_needs_a_reason_and_lifting_an_approver(system: System) -> None:
    with pytest.raises(Invalid):
        stop(system, because="  ")
    for nobody in (cast.alice(), cast.ruth()):
        with pytest.raises(NotAllowed):
            halting.halt(system, by=cast.acting(nobody, system), because="No.")
    stop(system)
    with pytest.raises(Conflict):
        stop(system)
    for other in (cast.dana(), cast.carol()):
        with pytest.raises(NotAllowed):
            halting.lift(system, by=cast.acting(other, system))
    halting.lift(system, by=cast.acting(cast.erik(), system), because="Mended.")
    with pytest.raises(Conflict):
        halting.lift(system, by=cast.acting(cast.erik(), system))
    assert [entry.type for entry in Entry.objects.filter(subject=system.pk).order_by("-rev")[:2]] == [
        "lifted",
        "halted",
    ]


def test_a_halt_cannot_be_slipped_in_or_out_without_an_entry(system: System) -> None:
    made = stop(system)
    with pytest.raises(IntegrityError), transaction.atomic():
        System.objects.filter(pk=system.pk).update(halt=None)
    with pytest.raises(IntegrityError), transaction.atomic():
        Halt.objects.filter(pk=made.pk).update(lifted_at=timezone.now())
    force = registry.in_force(system.pk)
    assert force is not None
    assert force.is_halted


def test_the_command_halts_and_says_since_when(system: System) -> None:
    cast.carol()
    said = StringIO()
    call_command("halt", system=system.slug, email="carol@example.org", because="Stop.", stdout=said)
    assert said.getvalue().startswith("digits: halted since ")
    with pytest.raises(CommandError, match="halted already"):
        call_command("halt", system=system.slug, email="carol@example.org", because="Stop.")
    with pytest.raises(CommandError, match="Nobody has an account"):
        call_command("halt", system=system.slug, email="nobody@example.org", because="Stop.")


def test_the_page_halts_and_lifts_and_says_so_everywhere(system: System) -> None:
    carol, erik = cast.signed_in(cast.carol()), cast.signed_in(cast.erik())
    address = f"/systems/{system.slug}/halt/"
    assert carol.post(address, {"do": "halt", "because": "<b>It pays twice.</b>"}).status_code == 302
    page = carol.get(address).content.decode()
    assert "&lt;b&gt;It pays twice.&lt;/b&gt;" in page
    for place in ("/systems/", f"/systems/{system.slug}/", f"/systems/{system.slug}/policy/"):
        assert "alted" in carol.get(place).content.decode()
    assert carol.post(address, {"do": "lift"}).status_code == 403
    assert erik.post(address, {"do": "lift", "because": "Mended."}).status_code == 302
    assert "is running" in erik.get(address).content.decode()
    assert erik.post(address, {"do": "lift"}).status_code == 409


def test_a_stale_sign_in_cannot_lift(system: System) -> None:
    stop(system)
    browser = cast.signed_in(cast.erik())
    session = browser.session
    session["account_authentication_methods"] = [{"method": "password", "at": 0}]
    session.save()
    answer = browser.post(f"/systems/{system.slug}/halt/", {"do": "lift"})
    assert "reauthenticate" in answer["location"]
    assert System.objects.get().halt_id is not None


@pytest.mark.parametrize("admits", [False, True])
def test_a_key_lifts_only_where_the_policy_admits_it(admits: bool) -> None:
    system = cast.system(approval_by_key=admits)
    erik: Person = cast.erik()
    program = Program(system, "policies:write", person=erik)
    assert program.post(f"systems/{system.slug}/halt/", {"because": "Stop."}).status_code == 201
    assert program.post(f"systems/{system.slug}/lift/", {}).status_code == (200 if admits else 403)


def test_a_page_refuses_what_no_text_of_the_database_can_hold(system: System) -> None:
    sent = {"do": "halt", "because": "It reads\0sevens as ones."}
    answer = cast.signed_in(cast.carol()).post("/systems/digits/halt/", sent)
    assert answer.status_code == 422
    assert "null character" in answer.content.decode()
    assert not Halt.objects.exists()
