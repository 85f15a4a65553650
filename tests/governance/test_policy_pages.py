"""Change control by hand: read what changes, sign it, put it in force, take it back; without JavaScript."""

import time

import pytest
from django.test import Client

from governance.models import PolicyVersion, System
from governance.policies import lifecycle, registry
from tests import cast

pytestmark = pytest.mark.django_db
PAGE = "/systems/digits/proposals/2/"


@pytest.fixture
def proposal() -> PolicyVersion:
    return lifecycle.propose(
        cast.system(), cast.policy(threshold={"default": 0.83}), by=cast.acting(cast.dana()), because="<b>Evidence</b>"
    ).version


def text(browser: Client, page: str = PAGE) -> str:
    answer = browser.get(page)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_proposal_is_read_in_words_with_what_changes_marked(proposal: PolicyVersion) -> None:
    page = text(cast.signed_in(cast.erik()))
    assert "could let more go out alone than policy 1" in page
    assert "<del>90</del>" in page
    assert "<ins>83</ins>" in page
    assert "An approver" in page
    assert "The signature is missing" in page
    assert "&lt;b&gt;Evidence&lt;/b&gt;" in page
    assert "<b>Evidence" not in page


def test_it_is_signed_and_put_in_force_with_two_presses(proposal: PolicyVersion) -> None:
    erik = cast.signed_in(cast.erik())
    answer = erik.post(PAGE, {"do": "approve", "digest": proposal.digest, "comment": "Read."}, follow=True)
    assert "You have signed policy 2." in answer.content.decode()
    assert "“Read.”" in answer.content.decode()
    answer = erik.post(PAGE, {"do": "activate"}, follow=True)
    assert "Policy 2 is in force." in answer.content.decode()
    assert "from 83\u202f% confidence" in text(erik, "/systems/digits/")


def test_what_the_page_shows_as_in_force_is_what_judges() -> None:
    system = cast.system(threshold={"default": 0.912345})
    found = registry.in_force(system.pk)
    assert found
    assert found.policy.threshold.default == 912_345
    assert "91.2345\u202f% confidence" in text(cast.signed_in(cast.alice()), "/systems/digits/")


def test_the_proposer_is_told_that_somebody_else_has_to_decide(proposal: PolicyVersion) -> None:
    dana = cast.signed_in(cast.dana())
    assert "somebody else has to decide" in text(dana)
    assert 'value="approve"' not in text(dana)
    answer = dana.post(PAGE, {"do": "approve", "digest": proposal.digest})
    assert answer.status_code == 403
    assert "You proposed this version" in answer.content.decode()
    assert not proposal.approvals.exists()


def test_a_comment_is_kept_when_the_signature_is_refused(proposal: PolicyVersion) -> None:
    answer = cast.signed_in(cast.erik()).post(
        PAGE, {"do": "approve", "digest": "0" * 64, "comment": "My long thoughts."}
    )
    assert answer.status_code == 409
    assert "My long thoughts." in answer.content.decode()


def test_a_stale_sign_in_is_asked_to_prove_itself_and_comes_back(proposal: PolicyVersion) -> None:
    erik = cast.erik()
    browser = cast.signed_in(erik)
    session = browser.session
    session["account_authentication_methods"] = [{"method": "password", "at": time.time() - 3600, "username": "x"}]
    session.save()
    answer = browser.post(PAGE, {"do": "approve", "digest": proposal.digest})
    assert answer.status_code == 302
    assert answer["Location"].startswith("/account/reauthenticate/?next=")
    answer = browser.post(answer["Location"], {"password": cast.PASSWORD, "next": PAGE})
    assert answer.status_code == 302
    assert answer["Location"] == PAGE
    assert browser.post(PAGE, {"do": "approve", "digest": proposal.digest}).status_code == 302
    assert proposal.approvals.count() == 1


def test_a_press_of_a_button_that_does_not_exist_does_nothing(proposal: PolicyVersion) -> None:
    assert cast.signed_in(cast.erik()).post(PAGE, {"do": "burn"}).status_code == 422
    proposal.refresh_from_db()
    assert proposal.state == "proposed"


def test_a_declined_proposal_is_listed_as_declined(proposal: PolicyVersion) -> None:
    erik = cast.signed_in(cast.erik())
    erik.post(PAGE, {"do": "decline", "digest": proposal.digest, "comment": "Not yet."})
    assert "declined" in text(erik, "/systems/digits/proposals/")
    assert "Not yet." in text(erik)


def test_the_lead_takes_a_policy_back_with_one_press_and_the_reviewer_cannot(proposal: PolicyVersion) -> None:
    cast.put_in_force(System.objects.get(), cast.policy(threshold={"default": 0.83}))
    carol, alice = cast.signed_in(cast.carol()), cast.signed_in(cast.alice())
    assert "Put policy 1 back in force" in text(carol, "/systems/digits/policy/")
    assert "back in force" not in text(alice, "/systems/digits/policy/")
    assert alice.post("/systems/digits/policy/").status_code == 403
    answer = carol.post("/systems/digits/policy/", {"because": "Too much."}, follow=True)
    assert "Policy 1 is in force again." in answer.content.decode()
    assert carol.post("/systems/digits/policy/").status_code == 409


def test_an_unapproved_policy_says_so_wherever_it_is_shown() -> None:
    system, _ = cast.bare_system(risk_tier="high")
    version = lifecycle.propose(system, cast.policy(), by=cast.acting(cast.dana())).version
    lifecycle.bootstrap(version, by=cast.acting(cast.dana()), because="The first day.")
    erik = cast.signed_in(cast.erik())
    assert "releases nothing until somebody does" in text(erik, "/systems/digits/")
    assert "not approved yet" in text(erik, "/systems/")
    assert "nobody has approved it yet" in text(erik, "/systems/digits/policy/")
    assert erik.get("/api/v1/systems/digits/").json()["policy"]["unapproved"] is True
    assert erik.post("/systems/digits/proposals/1/", {"do": "approve", "digest": version.digest}).status_code == 302


@pytest.mark.parametrize(
    "page", ["/systems/", "/systems/digits/", "/systems/digits/policy/", "/systems/digits/proposals/"]
)
def test_a_page_costs_as_many_queries_for_many_versions_as_for_few(page: str, django_assert_max_num_queries) -> None:
    system = cast.system()
    for step in range(8):
        lifecycle.propose(system, cast.policy(threshold={"default": (50 + step) / 100}), by=cast.acting(cast.dana()))
    browser = cast.signed_in(cast.erik())
    browser.get(page)
    with django_assert_max_num_queries(12):
        assert browser.get(page).status_code == 200


def test_a_refusal_is_a_page_for_people_and_a_part_for_htmx(proposal: PolicyVersion) -> None:
    alice = cast.signed_in(cast.alice())
    page = alice.post("/systems/digits/policy/")
    assert page.status_code == 403
    assert b"<html" in page.content
    assert b"an approver" in page.content
    part = alice.post("/systems/digits/policy/", headers={"HX-Request": "true"})
    assert part.status_code == 403
    assert b"<html" not in part.content
    assert b'id="refused"' in part.content
