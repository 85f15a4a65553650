"""A reviewer with JavaScript off: from the queue to a decision and back again, by links and forms alone."""

import re
from typing import Any

import pytest
from django.test import Client

from governance.models import Person, System
from reviews.models import Decision, Item, Seat
from tests import cast
from tests.reviews.desk import desk

pytestmark = [pytest.mark.django_db, pytest.mark.journey]


class Browser:
    """What a browser without scripts does: opens addresses and sends the forms that it was shown."""

    def __init__(self, person: Person) -> None:
        self.client = Client(enforce_csrf_checks=False)
        self.client.force_login(person)

    def open(self, address: str) -> Any:
        self.answer = self.client.get(address, follow=True)
        return self.answer

    def send(self, address: str, **fields: Any) -> Any:
        self.answer = self.client.post(address, fields, follow=True)
        return self.answer

    @property
    def text(self) -> str:
        return str(self.answer.content.decode())

    @property
    def at(self) -> str:
        chain = self.answer.redirect_chain
        return str(chain[-1][0] if chain else self.answer.request["PATH_INFO"])

    def press(self, **button: str) -> Any:
        """Presses a button of the decision form, which sends the form's hidden fields along."""
        form = re.search(r'<form hidden id="decide-[^"]*" method="post" action="([^"]+)"', self.text)
        token = re.search(r'name="token" value="([^"]+)"', self.text)
        assert form, "the page has no decision form"
        action = button.pop("formaction", form.group(1))
        return self.send(action, **({"token": token.group(1)} if token else {}), **button)


@pytest.fixture
def system() -> System:
    return cast.system()


@pytest.fixture
def browser(system: System) -> Browser:
    return Browser(cast.alice())


def next_item(browser: Browser) -> str:
    browser.send("/queue/next/")
    return browser.at


def test_the_queue_leads_to_an_item_and_its_decision_to_the_next_one(browser: Browser, system: System) -> None:
    desk(system, 2)
    browser.open("/queue/")
    assert "2 answers wait for you" in browser.text
    first = next_item(browser)
    assert first.startswith("/review/")
    browser.press(verdict="approve")
    assert browser.at.startswith("/review/")
    assert browser.at != first
    browser.press(verdict="approve")
    assert browser.at == "/queue/summary/"
    assert "You decided 2 answers in" in browser.text
    assert "Nothing more waits for you." in browser.text
    assert [d.verdict for d in Decision.objects.all()] == ["approve", "approve"]


def test_another_answer_is_one_button(browser: Browser, system: System) -> None:
    desk(system)
    next_item(browser)
    browser.press(answer="3")
    decision = Decision.objects.get()
    assert (decision.verdict, decision.ai_said, decision.person_said) == ("override", "7", "3")


def test_an_alternative_is_one_button(browser: Browser, system: System) -> None:
    desk(system, context={"alternatives": [{"output": {"digit": 1}, "confidence": 0.2}]})
    next_item(browser)
    browser.press(alternative="0")
    assert Decision.objects.get().person_said == "1"


def test_looking_at_an_item_never_claims_it(browser: Browser, system: System) -> None:
    item = desk(system)[0]
    browser.open(f"/review/{item.pk}/")
    assert "Nobody has this item in hand." in browser.text
    assert Seat.objects.get().claimed_by is None
    browser.send(f"/review/{item.pk}/take/")
    assert browser.at == f"/review/{item.pk}/"
    assert "Digit" in browser.text


def test_a_reason_that_is_required_is_asked_for_at_its_place_and_what_was_typed_stays(browser: Browser) -> None:
    strict = cast.system("strict", review={**cast.POLICY["review"], "reason_required": ["reject"]})
    desk(strict)
    next_item(browser)
    answer = browser.press(verdict="reject", comment="Nothing to be seen <b>here</b>.")
    assert answer.status_code == 422
    assert "The policy asks for a reason when you reject." in browser.text
    assert "Nothing to be seen &lt;b&gt;here&lt;/b&gt;." in browser.text
    browser.press(verdict="reject", reasons="unreadable", comment="Nothing to be seen.")
    assert Decision.objects.get().reasons == ["unreadable"]


def test_a_lost_claim_says_who_has_decided_and_keeps_the_text(browser: Browser, system: System) -> None:
    desk(system)
    next_item(browser)
    Seat.objects.update(claim_expires_at="2026-01-01T00:00:00Z")
    other = Browser(cast.bob())
    next_item(other)
    other.press(verdict="approve")
    answer = browser.press(verdict="reject", comment="I had written this.")
    assert answer.status_code == 409
    assert "Bob decided this item at" in browser.text
    assert "Your text is kept below" in browser.text
    assert "I had written this." in browser.text
    assert Decision.objects.count() == 1


def test_a_claim_that_ran_out_can_be_taken_again_with_the_text(browser: Browser, system: System) -> None:
    item = desk(system)[0]
    next_item(browser)
    Seat.objects.update(claim_expires_at="2026-01-01T00:00:00Z")
    browser.press(verdict="reject", comment="I had written this.")
    assert "nobody has taken the item since" in browser.text
    browser.send(f"/review/{item.pk}/take/", comment="I had written this.")
    assert browser.answer.status_code == 200
    assert "I had written this." in browser.text
    browser.press(verdict="approve")
    assert Decision.objects.get().verdict == "approve"


def test_a_blind_item_hides_the_answer_and_is_answered_by_a_button(browser: Browser, system: System) -> None:
    other = {"output": {"digit": 4}, "confidence": 0.2}
    item = desk(system, blind=True, digit=7, context={"alternatives": [other], "explanation": "The crossbar."})[0]
    next_item(browser)
    assert "stays hidden until you have" in browser.text
    page = re.sub(r"[0-9a-f-]{36}", "", body_of(browser.text))
    for told in ("The crossbar.", "reader", "threshold", "Approve", "policy 1"):
        assert told not in page, told
    # Times and ids hold digits too, so the confidence is looked for as the page would write it.
    assert not re.search(r"\b62(\.\d+)?\s?%|\b0\.62\b", re.sub(r"<[^>]*>", " ", page))
    assert {str(n) for n in range(10)} == set(re.findall(r'name="answer" value="(\d)"', browser.text))
    browser.press(answer="7")
    decision = Decision.objects.get()
    assert (decision.verdict, decision.is_blind) == ("approve", True)
    browser.open("/queue/")
    assert "Answered blind" in browser.text, "her answer could be taken back, so what the AI said stays hidden"
    browser.open(f"/review/{item.pk}/")
    assert "answered blind" in browser.text
    assert "Approve" not in body_of(browser.text)


def test_a_decision_can_be_taken_back_while_it_is_not_final(browser: Browser, system: System) -> None:
    item = desk(system)[0]
    next_item(browser)
    browser.press(verdict="approve")
    undo = re.search(r'action="(/review/decisions/[^"]+/undo/)"', browser.text)
    assert undo
    browser.send(undo.group(1))
    assert browser.at == f"/review/{item.pk}/"
    assert "taken back" in browser.text
    browser.press(answer="2")
    assert [d.verdict for d in Decision.objects.filter(undone_at=None)] == ["override"]


def test_a_final_decision_is_corrected_by_a_form_and_both_stay(browser: Browser) -> None:
    desk(cast.system("quick", review={**cast.POLICY["review"], "undo_seconds": 0}))
    next_item(browser)
    browser.press(answer="3")
    old = Decision.objects.get()
    browser.open("/queue/")
    address = f"/decisions/{old.pk}/correct/"
    assert f'href="{address}"' in browser.text
    browser.open(address)
    assert "What stands now" in browser.text
    browser.press(verdict="approve")
    assert "Corrected. The new decision stands" in browser.text
    assert [(d.verdict, d.supersedes_id) for d in Decision.objects.order_by("id")][1:] == [("approve", old.pk)]
    assert "has been superseded already" in browser.open(address).content.decode()
    assert browser.send(address, verdict="reject").status_code == 409


def test_a_decision_that_can_still_be_undone_is_not_corrected(browser: Browser, system: System) -> None:
    desk(system)
    next_item(browser)
    browser.press(verdict="approve")
    address = f"/decisions/{Decision.objects.get().pk}/correct/"
    assert "until then it can be undone" in browser.open(address).content.decode()
    assert "Undo your decision" in browser.text
    assert browser.send(address, verdict="reject").status_code == 409
    assert Browser(cast.bob()).open(address).status_code == 403


def test_a_correction_starts_from_what_was_said_and_an_approval_drops_it(browser: Browser) -> None:
    output = {
        "type": "object", "required": ["digit"],
        "properties": {"digit": {"type": "integer", "maximum": 9, "title": "Digit"}, "note": {"type": "string"}},
    }  # fmt: skip
    quick = {**cast.POLICY["review"], "undo_seconds": 0}
    desk(cast.system("nested", contract_parts={"output": output}, review=quick))
    next_item(browser)
    browser.press(verdict="override", **{"field:digit": "8", "field:note": "crossed out"})
    address = f"/decisions/{Decision.objects.get().pk}/correct/"
    browser.open(address)
    assert 'value="crossed out"' in browser.text
    said = {"field:digit": "8", "field:note": "crossed out"}
    assert browser.send(address, verdict="approve", **{**said, "field:digit": "12"}).status_code == 422
    assert "Digit must be at most 9." in browser.text
    browser.send(address, verdict="approve", **said)
    assert [d.verdict for d in Decision.objects.order_by("id")] == ["override", "approve"]


def test_the_summary_tells_how_often_a_second_person_agreed_with_its_interval(system: System) -> None:
    pairs = {"default": {"queue": "general", "reviewers": 2}, "queues": {"general": {"mode": "pull"}}}
    desk(cast.system("two", routing=pairs))
    alice = Browser(cast.alice())
    next_item(alice)
    alice.press(verdict="approve")
    assert "not yet" in alice.open("/queue/summary/").content.decode()
    bob = Browser(cast.bob())
    next_item(bob)
    bob.press(verdict="approve")
    alice.open("/queue/summary/")
    assert re.search(r"100.% <small>1 of 1; 20.% to 100.%</small>", alice.text)


def test_what_is_held_is_listed_for_whoever_held_it_alone_and_taken_back(browser: Browser, system: System) -> None:
    item = desk(system)[0]
    first = next_item(browser)
    browser.press(formaction=f"{first}hold/", until="days")
    assert browser.send("/queue/next/").status_code == 200
    browser.open("/queue/")
    assert "Held by you" in browser.text
    assert "Held by you" not in Browser(cast.bob()).open("/queue/").content.decode()
    browser.send(f"/review/{item.pk}/take/")
    assert "Held by you" not in browser.open("/queue/").content.decode()
    browser.open(f"/review/{item.pk}/")
    assert browser.press(formaction=f"/review/{item.pk}/hold/", until="never").status_code == 422
    assert Seat.objects.get().claimed_by is not None


def test_the_third_person_sees_both_answers_without_names(system: System) -> None:
    pairs = {"default": {"queue": "general", "reviewers": 2}, "queues": {"general": {"mode": "pull"}}}
    two = cast.system("two", routing=pairs)
    desk(two)
    for person, button in ((cast.alice(), {"verdict": "approve"}), (cast.bob(), {"answer": "3"})):
        browser = Browser(person)
        next_item(browser)
        assert "Two people disagree" not in browser.text
        browser.press(**button)
    lead = Browser(cast.carol())
    next_item(lead)
    assert "Two people disagree" in lead.text
    heard = lead.text[lead.text.index("Two people disagree") : lead.text.index("Another answer")]
    assert "Override" in heard
    assert "Approve" in heard
    assert "Alice" not in heard
    assert "Bob" not in heard
    lead.press(answer="3")
    assert Item.objects.get().state == "closed"


@pytest.mark.parametrize("how", ["skip", "hold", "escalate"])
def test_an_item_is_put_off_and_the_next_one_comes(browser: Browser, system: System, how: str) -> None:
    desk(system, 2)
    first = next_item(browser)
    browser.press(formaction=f"{first}{how}/", comment="Not for me.")
    assert browser.at.startswith("/review/")
    assert browser.at != first


def test_a_nested_answer_is_corrected_as_json_text(browser: Browser) -> None:
    nested = cast.system(
        "nested",
        contract_parts={
            "output": {
                "type": "object", "required": ["digit"],
                "properties": {
                    "digit": {"type": "integer", "minimum": 0, "maximum": 9, "title": "Digit"},
                    "boxes": {"type": "array", "items": {"type": "object"}, "title": "Boxes"},
                },
            },
        },
    )  # fmt: skip
    desk(nested)
    next_item(browser)
    kept = {"field:digit": "12", "field:boxes": '[{"x": 1}'}
    answer = browser.press(verdict="override", **kept)
    assert answer.status_code == 422
    assert "Digit must be at most 9." in browser.text
    assert "this is not JSON" in browser.text
    assert "[{&quot;x&quot;: 1}" in browser.text
    answer = browser.press(verdict="approve", **{"field:digit": "8", "field:boxes": ""})
    assert answer.status_code == 422, "an edit is never lost as an approval"
    browser.press(verdict="override", **{"field:digit": "8", "field:boxes": '[{"x": 1}]'})
    assert Decision.objects.get().person_said == "8"


def test_somebody_elses_item_is_told_in_words_and_an_unknown_one_is_not_there(browser: Browser, system: System) -> None:
    item = desk(system)[0]
    next_item(browser)
    other = Browser(cast.bob())
    other.open(f"/review/{item.pk}/")
    assert "Alice has this item until" in other.text
    assert "Take it" not in other.text
    assert other.send(f"/review/{item.pk}/take/").status_code == 409
    assert other.open("/review/01926b3e-0000-7000-8000-000000000000/").status_code == 404
    assert Browser(cast.dana()).open(f"/review/{item.pk}/").status_code == 404


def body_of(page: str) -> str:
    return page[page.index('<main id="main"') : page.index("</main>")]
