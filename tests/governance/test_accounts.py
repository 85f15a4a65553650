"""Accounts: given by an administrator, ended by one, and every step on record."""

import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from governance.models import Entry, Person, Role
from governance.people import accounts, actors
from governance.people.actors import CONSOLE
from governance.policies.registration import register_system
from governance.refusals import Conflict, Invalid, NotAllowed
from tests import cast

pytestmark = pytest.mark.django_db


def types(id: object) -> list[str]:
    return list(Entry.objects.filter(subject=id).order_by("rev").values_list("type", flat=True))


def test_a_persons_name_and_address_never_enter_the_log() -> None:
    alice = cast.alice()
    for entry in Entry.objects.filter(subject=alice.pk):
        assert b"alice" not in bytes(entry.leaf).lower()
    assert types(alice.pk) == ["person_created", "role_granted"]


def test_an_address_has_one_account_however_it_is_written() -> None:
    cast.alice()
    with pytest.raises(Conflict):
        accounts.create("ALICE@example.org", name="Another", by=CONSOLE)


def test_a_role_given_twice_is_one_role_and_one_entry() -> None:
    alice = cast.alice()
    accounts.grant_role(alice, "reviewer", system=None, by=CONSOLE)
    assert alice.roles.count() == 1
    assert types(alice.pk).count("role_granted") == 1


def test_an_unknown_role_is_refused() -> None:
    with pytest.raises(Invalid, match="no role boss"):
        accounts.grant_role(cast.alice(), "boss", system=None, by=CONSOLE)


def test_nobody_gives_herself_a_role() -> None:
    toni = cast.person("toni", "admin")
    with pytest.raises(NotAllowed, match="another administrator"):
        accounts.grant_role(toni, "approver", system=None, by=actors.person(toni, auth="password"))
    assert [role.name for role in toni.roles.all()] == ["admin"]


def test_whoever_registers_a_system_owns_it_all_the_same() -> None:
    other, _ = cast.bare_system("other")
    priya = cast.person("priya", "owner", system=other)
    told = {"name": "Mine", "purpose": "Reads.", "risk_tier": "limited", "owner": "team"}
    mine = register_system(slug="mine", by=actors.person(priya, auth="password"), **told).system
    assert priya.roles.filter(name="owner", system=mine).exists()


def test_nobody_makes_an_account_for_herself() -> None:
    browser = Client()
    sent = {"email": "me@example.org", "password1": cast.PASSWORD}
    answer = browser.post("/account/signup/", sent)
    assert answer.status_code == 200
    assert not Person.objects.filter(email="me@example.org").exists()
    assert "account/signup_closed.html" in [template.name for template in answer.templates]


def test_signing_in_takes_the_address_in_any_case_and_the_password_alone_does_not_do() -> None:
    alice = cast.alice()
    accounts.set_password(alice, cast.PASSWORD, by=CONSOLE)
    browser = Client()
    assert browser.post("/account/login/", {"login": alice.email, "password": "wrong-wrong-wrong"}).status_code == 200
    answer = browser.post("/account/login/", {"login": "Alice@Example.ORG", "password": cast.PASSWORD})
    assert answer.status_code == 302
    assert browser.get("/systems/").status_code in (200, 404)
    assert browser.session["_auth_user_id"] == str(alice.pk)


def test_whoever_has_left_neither_signs_in_nor_stays_signed_in() -> None:
    alice, system = cast.alice(), cast.system()
    accounts.set_password(alice, cast.PASSWORD, by=CONSOLE)
    browser = cast.signed_in(alice)
    assert browser.get(f"/systems/{system.slug}/").status_code == 200
    accounts.deactivate(alice, by=cast.acting(cast.admin()))
    assert browser.get(f"/systems/{system.slug}/").status_code == 302
    Client().post("/account/login/", {"login": alice.email, "password": cast.PASSWORD})
    assert browser.get("/api/v1/systems/").status_code == 401


def test_an_admin_makes_an_account_whose_password_is_shown_once() -> None:
    browser = cast.signed_in(cast.admin())
    sent = {"name": "Nina", "email": "nina@example.org", "role": "lead", "system": ""}
    answer = browser.post("/people/", sent)
    nina = Person.objects.get(email="nina@example.org")
    assert answer.status_code == 201
    assert nina.check_password(answer.context["password"])
    assert answer.context["password"] in answer.content.decode()
    assert answer.context["password"] not in browser.get("/people/").content.decode()
    assert browser.post("/people/", sent).status_code == 409


def test_an_admin_of_one_system_gives_roles_in_that_system_only() -> None:
    digits, letters = cast.system("digits"), cast.system("letters")
    browser, alice = cast.signed_in(cast.person("ann", "admin", system=digits)), cast.person("lo")
    page = f"/people/{alice.pk}/"
    assert browser.post(page, {"do": "role", "role": "owner", "system": "digits"}).status_code == 302
    assert browser.post(page, {"do": "role", "role": "owner", "system": "letters"}).status_code == 422
    assert browser.post(page, {"do": "role", "role": "owner", "system": ""}).status_code == 422
    other = accounts.grant_role(alice, "lead", system=letters, by=CONSOLE)
    assert browser.post(page, {"do": "take", "role": str(other.pk)}).status_code == 403
    assert browser.post(page, {"do": "end"}).status_code == 403
    assert set(alice.roles.values_list("name", "system__slug")) == {("owner", "digits"), ("lead", "letters")}


def test_a_role_is_taken_away_once_and_the_second_time_is_told_so() -> None:
    browser, alice = cast.signed_in(cast.admin()), cast.alice()
    role = alice.roles.get()
    assert browser.post(f"/people/{alice.pk}/", {"do": "take", "role": str(role.pk)}).status_code == 302
    assert browser.post(f"/people/{alice.pk}/", {"do": "take", "role": str(role.pk)}).status_code == 409
    assert types(alice.pk)[-1] == "role_revoked"


def test_somebody_always_stays_admin() -> None:
    admin = cast.admin()
    browser = cast.signed_in(admin)
    role = Role.objects.get(person=admin)
    assert browser.post(f"/people/{admin.pk}/", {"do": "take", "role": str(role.pk)}).status_code == 409
    assert browser.post(f"/people/{admin.pk}/", {"do": "end"}).status_code == 409
    cast.person("second", "admin")
    assert browser.post(f"/people/{admin.pk}/", {"do": "take", "role": str(role.pk)}).status_code == 302


def test_the_people_page_costs_as_many_queries_for_many_as_for_few(django_assert_max_num_queries) -> None:
    browser = cast.signed_in(cast.admin())
    for name in range(12):
        cast.person(f"p{name}", "reviewer")
    with django_assert_max_num_queries(10):
        assert browser.get("/people/").status_code == 200


def run(*args: str, password: str | None = None, monkeypatch: pytest.MonkeyPatch | None = None) -> str:
    out = io.StringIO()
    if password is not None and monkeypatch is not None:
        monkeypatch.setattr("sys.stdin", io.StringIO(password + "\n"))
    call_command("create_person", *args, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def test_create_person_makes_the_account_and_the_second_run_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    system = cast.system()
    args = ("Gil@Example.org", "--role", "reviewer:digits", "lead")
    assert "created" in run(*args, "--password-stdin", password=cast.PASSWORD, monkeypatch=monkeypatch)
    gil = Person.objects.get(email="gil@example.org")
    assert set(gil.roles.values_list("name", "system")) == {("reviewer", system.pk), ("lead", None)}
    assert gil.check_password(cast.PASSWORD)
    before = Entry.objects.count()
    assert run(*args) == "gil@example.org: nothing changed\n"
    assert Entry.objects.count() == before


@pytest.mark.parametrize(
    "args",
    [("gil@example.org", "--role", "boss"), ("gil@example.org", "--role", "lead:nowhere"), ("gil", "--role", "lead")],
)
def test_create_person_refuses_what_does_not_exist_and_leaves_nothing(args: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        run(*args)
    assert not Person.objects.exists()


def test_create_person_refuses_a_password_that_is_too_easy(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match="too short"):
        run("gil@example.org", "--role", "lead", "--password-stdin", password="12345", monkeypatch=monkeypatch)
    assert not Person.objects.exists()


def test_a_new_password_is_evidence_and_is_not_in_it() -> None:
    alice = cast.alice()
    accounts.set_password(alice, cast.PASSWORD, by=CONSOLE)
    last = Entry.objects.filter(subject=alice.pk).order_by("-rev")[0]
    assert json.loads(bytes(last.leaf))["type"] == "password_set"
    assert cast.PASSWORD.encode() not in bytes(last.leaf)
