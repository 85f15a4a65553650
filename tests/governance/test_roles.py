"""Who may do what, and who does not even learn that it exists."""

import pytest

from governance.api.authentication import caller_of
from governance.models import Person
from governance.people import roles
from governance.people.actors import CONSOLE
from governance.people.roles import VERBS
from governance.policies import differences, signatures
from governance.refusals import NotAllowed, NotFound
from tests import cast

pytestmark = pytest.mark.django_db


def test_a_role_in_one_system_opens_no_other() -> None:
    digits, letters = cast.system("digits"), cast.system("letters")
    fay = cast.person("fay", "reviewer", system=digits)
    assert roles.may(fay, "review items", digits)
    assert not roles.may(fay, "review items", letters)
    assert roles.systems_for(fay, "review items") == {digits.pk}
    with pytest.raises(NotFound):
        roles.require(fay, "see the system", letters)
    with pytest.raises(NotAllowed, match="an owner of Digits"):
        roles.require(fay, "propose a policy", digits)


def test_a_role_everywhere_holds_in_systems_that_come_later() -> None:
    alice = cast.alice()
    assert roles.systems_for(alice, "review items") is None
    assert roles.may(alice, "review items", cast.system("later"))


def test_whoever_has_left_may_nothing() -> None:
    system, alice = cast.system(), cast.alice()
    Person.objects.filter(pk=alice.pk).update(is_active=False, entry=cast.erik().entry)
    alice.refresh_from_db()
    assert not any(roles.may(alice, verb, system) for verb in VERBS)


@pytest.mark.parametrize(
    "verb", ["review items", "sign a policy", "activate a policy", "see evidence", "supersede a decision"]
)
def test_no_engineer_decides_signs_or_reads_the_log(verb: str) -> None:
    assert not roles.may(cast.eng(), verb)


def test_an_admin_gives_roles_but_neither_sees_outputs_nor_signs() -> None:
    admin = cast.admin()
    assert roles.may(admin, "manage people")
    assert not any(
        roles.may(admin, verb) for verb in ("see outputs", "sign a policy", "review items", "propose a policy")
    )


def test_a_person_in_the_pages_of_another_system_finds_nothing(client) -> None:
    digits, _ = cast.system("digits"), cast.system("letters")
    client.force_login(cast.person("fay", "owner", system=digits))
    for path in ("", "policy/", "proposals/", "contract/", "policy/1/", "proposals/1/"):
        assert client.get(f"/systems/digits/{path}").status_code == 200, path
        assert client.get(f"/systems/letters/{path}").status_code == 404, path
    listed = client.get("/systems/").content.decode()
    assert "digits" in listed
    assert "letters" not in listed


def test_a_key_opens_its_own_system_only_and_a_persons_key_no_more_than_the_person() -> None:
    digits, letters = cast.system("digits"), cast.system("letters")
    producer = caller_of(cast.key_for(digits))
    assert producer
    assert producer.may("see outputs", digits)
    assert not producer.may("see outputs", letters)
    assert producer.systems("see outputs") == {digits.pk}
    alice = caller_of(cast.key_for(digits, ["reviews:write"], person=cast.alice()))
    assert alice
    assert alice.may("review items", digits)
    assert not alice.may("review items", letters)
    with pytest.raises(NotAllowed):
        alice.require("propose a policy", digits)
    with pytest.raises(NotFound):
        alice.require("review items", letters)


def test_a_persons_key_in_a_system_she_has_no_role_in_opens_nothing() -> None:
    digits, letters = cast.system("digits"), cast.system("letters")
    fay = cast.person("fay", "reviewer", system=letters)
    caller = caller_of(cast.key_for(digits, ["reviews:write"], person=fay))
    assert caller
    assert caller.systems("review items") == set()
    with pytest.raises(NotFound):
        caller.require("review items", digits)


def test_the_log_names_the_roles_that_count_in_the_system() -> None:
    digits, letters = cast.system("digits"), cast.system("letters")
    cast.person("fay", "owner", system=letters)
    fay = cast.person("fay", "reviewer", system=digits)
    assert cast.acting(fay, digits).roles == ("reviewer",)
    assert CONSOLE.roles == ()


@pytest.mark.parametrize(
    ("loosens", "tier", "signed", "left"),
    [
        (False, "high", ["owner"], []),
        (False, "minimal", ["approver"], []),
        (True, "minimal", ["owner"], ["an approver"]),
        (True, "limited", ["approver"], []),
        (True, "high", ["approver"], ["an owner"]),
        (True, "high", ["approver", "approver"], ["an owner"]),
        (True, "high", ["owner", "approver"], []),
    ],
)
def test_signatures_needed(loosens: bool, tier: str, signed: list[str], left: list[str]) -> None:
    seats = signatures.required(loosens=loosens, risk_tier=tier)
    assert [signatures.in_words(seat) for seat in signatures.missing(seats, signed)] == left


def test_a_change_is_told_clause_by_clause_and_word_by_word() -> None:
    old = ("Ones go to a person.", "All else goes out alone from 90 % confidence.", "It is due in 4 h.")
    new = ("All else goes out alone from 83 % confidence.", "It is due in 4 h.", "Sevens are blocked for good.")
    found = differences.differences(old, new)
    assert [clause.kind for clause in found] == ["removed", "changed", "same", "added"]
    assert found[1].runs[1:3] == (("removed", "90"), ("added", "83"))
    assert "".join(words for mark, words in found[1].runs if mark != "removed") == new[0]
