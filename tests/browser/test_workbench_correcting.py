"""The correction form in a browser: controls for what is nested, faults and changes as one types, search in many."""

import json
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from governance.models import OutputContent, Payload
from reviews.models import Decision
from tests import cast
from tests.browser.bench import at_the_desk, begin, card, ready, settle, until
from tests.browser.test_workbench_access import found_by_axe
from tests.reviews.desk import desk

pytestmark = pytest.mark.browser
PASSENGER = {
    "type": "object", "required": ["name"],
    "properties": {
        "name": {"type": "string", "title": "Name"},
        "bags": {"type": "integer", "title": "Bags", "minimum": 0, "maximum": 9},
    },
}  # fmt: skip
OUTPUT: dict[str, Any] = {
    "type": "object", "required": ["kind", "total", "passengers"],
    "properties": {
        "kind": {"enum": ["new", "change", "cancel"], "title": "Kind"},
        "total": {"type": "number", "title": "Total", "x-unit": "EUR", "minimum": 0, "maximum": 5000},
        "day": {"type": "string", "format": "date", "title": "Day"},
        "passengers": {"type": "array", "title": "Passengers", "items": PASSENGER},
        "contact": {"type": "object", "title": "Contact", "properties": {"city": {"type": "string", "title": "City"}}},
        "note": {"type": "string", "title": "Note", "maxLength": 900},
    },
}  # fmt: skip
SAID = (
    '{"kind":"new","total":120.5,"day":"2026-11-30","passengers":[{"name":"Ann Lee","bags":1},{"name":"Bo Chen"}],'
    '"contact":{"city":"Bern"},"note":"The whole family flies to the coast."}'
)
NOUNS = ("card", "cash", "top_up", "transfer", "refund", "fee")
INTENTS = [f"{verb}_{noun}" for verb in ("lost", "declined", "pending", "reverted") for noun in NOUNS]


def booking(count: int = 2, **blocks: Any) -> None:
    found = cast.system(contract_parts={"output": OUTPUT, "correct_when": ["/output/kind"]}, **blocks)
    desk(found, count)
    OutputContent.objects.update(answer=SAID, input='{"letter": "Please book two seats."}')


def sent() -> Any:
    decision = Decision.objects.get(undone_at=None)
    content = bytes(Payload.objects.get(entry=decision.entry_id, name="output").content)
    return json.loads(content)


def label(page: Page, name: str) -> Any:
    return page.locator(".bench > .side").get_by_label(name)


def test_a_nested_answer_is_corrected_by_controls_and_sent_as_it_was_meant(chromium: Browser, live_site: str) -> None:
    booking()
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        begin(page)
        page.keyboard.press("e")
        assert page.locator("textarea[data-mono]").count() == 0, "nothing is asked for as JSON"
        assert found_by_axe(page) == []
        label(page, "Total").fill("99.9")
        assert page.locator("ask-field[data-changed] del").inner_text() == "120.5"
        assert page.locator(".verdicts [value=override]").inner_text().endswith("1 change of yours")
        page.get_by_role("button", name="Remove Passengers 1").click()
        page.get_by_role("button", name="Add one to Passengers").click()
        page.keyboard.type("Cy Diaz")
        page.keyboard.press("Tab")
        page.keyboard.type("2")
        label(page, "City").fill("Basel")
        label(page, "Note").fill("The family flies to the south coast.")
        assert page.locator("ask-field[data-changed] ins").all_inner_texts()[-1].strip() == "south"
        assert found_by_axe(page) == []
        page.keyboard.press("Control+Enter")
        settle(page)
    assert sent() == {
        "kind": "new", "total": 99.9, "day": "2026-11-30",
        "passengers": [{"name": "Bo Chen"}, {"name": "Cy Diaz", "bags": 2}],
        "contact": {"city": "Basel"}, "note": "The family flies to the south coast.",
    }  # fmt: skip


def test_a_fault_is_told_at_its_field_while_one_types_and_nothing_is_sent(chromium: Browser, live_site: str) -> None:
    booking()
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        begin(page)
        first = card(page)
        page.keyboard.press("e")
        label(page, "Total").fill("5001")
        page.get_by_text("Total must be at most 5000.").first.wait_for()
        assert label(page, "Total").get_attribute("aria-invalid") == "true"
        page.keyboard.press("Control+Enter")
        assert card(page) == first
        assert page.evaluate("document.activeElement.name") == "field:total"
        label(page, "Total").fill("5000")
        assert label(page, "Total").get_attribute("aria-invalid") is None
        page.get_by_role("button", name="As the AI said").click()
        assert label(page, "Total").input_value() == "120.5"
        assert page.locator("ask-field[data-changed]").count() == 0
        label(page, "Kind").get_by_text("new").click()
        page.keyboard.press("3")
        assert page.locator("[name='field:kind']:checked").input_value() == "cancel", "a digit among choices picks one"
        assert card(page) == first
        label(page, "City").fill("Basel")
        page.keyboard.press("Control+Enter")
        settle(page)
    assert (sent()["kind"], sent()["contact"]) == ("cancel", {"city": "Basel"})


def test_what_only_the_server_finds_comes_back_at_the_row_with_all_that_was_typed(
    chromium: Browser, live_site: str
) -> None:
    booking()
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        begin(page)
        page.keyboard.press("e")
        page.get_by_role("button", name="Remove Passengers 1").click()
        page.locator("[name='field:passengers/1/name']").fill("Bo")
        page.evaluate("document.querySelectorAll('ask-field').forEach((each) => { each.problem = () => ''; })")
        page.locator("[name='field:passengers/1/bags']").fill("12")
        page.keyboard.press("Control+Enter")
        page.wait_for_selector(".side .refused")
        row = page.locator("[data-row]:has([name='field:passengers/1/name'])")
        assert row.locator(".error").inner_text() == "Bags must be at most 9."
        assert row.locator("[name='field:passengers/1/name']").input_value() == "Bo"
        assert page.locator("[name='field:passengers/0/name']").count() == 0, "what was struck out stays so"
        assert found_by_axe(page) == []
    assert Decision.objects.count() == 0


def test_one_of_many_answers_is_found_by_typing_and_taken_by_enter(chromium: Browser, live_site: str) -> None:
    output = {"type": "object", "required": ["intent"], "properties": {"intent": {"enum": INTENTS, "title": "Intent"}}}
    desk(cast.system(contract_parts={"output": output, "correct_when": ["/output/intent"]}), 3)
    OutputContent.objects.update(answer='{"intent":"lost_card"}')
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        begin(page)
        page.keyboard.press("e")
        field = page.get_by_role("combobox", name="Intent")
        assert field.evaluate("field => field === document.activeElement")
        assert page.get_by_role("option").count() == 9
        page.keyboard.type("rev top")
        assert page.get_by_role("option").all_inner_texts() == ["1\nreverted_top_up"]
        assert found_by_axe(page) == []
        page.keyboard.press("Enter")
        assert field.input_value() == "reverted_top_up"
        page.keyboard.press("Enter")
        ready(page)
        page.keyboard.press("e")
        page.keyboard.press("2")
        until(page, "document.querySelector('[role=combobox]').value === 'lost_cash'")
        page.keyboard.press("Enter")
        settle(page)
    assert [each.person_said for each in Decision.objects.order_by("id")] == ["reverted_top_up", "lost_cash"]


def test_a_draft_brings_its_rows_back(chromium: Browser, live_site: str) -> None:
    booking()
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        begin(page)
        page.keyboard.press("e")
        page.get_by_role("button", name="Remove Passengers 1").click()
        page.get_by_role("button", name="Add one to Passengers").click()
        page.keyboard.type("Cy Diaz")
        page.reload()
        ready(page)
        page.get_by_role("button", name="Put it back").click()
        assert page.locator("[data-gone] [name='field:passengers/0/name']").is_disabled()
        assert page.locator("[data-new] [name$='/name']").input_value() == "Cy Diaz"
        page.keyboard.press("Control+Enter")
        settle(page)
    assert [each["name"] for each in sent()["passengers"]] == ["Bo Chen", "Cy Diaz"]


def test_without_scripts_the_same_form_is_filled_in_with_a_blank_row(chromium: Browser, live_site: str) -> None:
    booking()
    with at_the_desk(chromium, live_site, cast.alice(), java_script_enabled=False) as page:
        page.goto("/queue/")
        page.get_by_role("button", name="Review the next one").click()
        page.locator("[name='field:passengers/0/name']").fill("")
        page.locator("[name='field:passengers/0/bags']").fill("")
        page.locator("[name='field:passengers/2/name']").fill("Cy Diaz")
        page.get_by_role("button", name="Override").click()
    assert [each["name"] for each in sent()["passengers"]] == ["Bo Chen", "Cy Diaz"]


def test_a_letter_typed_beside_a_field_is_never_a_verdict_and_a_press_out_of_a_wrong_field_lands(
    chromium: Browser, live_site: str
) -> None:
    booking()
    with at_the_desk(chromium, live_site, cast.alice()) as page:
        begin(page)
        first = card(page)
        page.keyboard.press("e")
        label(page, "Total").fill("9999")
        page.get_by_role("button", name="Add one to Passengers").click()
        assert page.locator("[data-new]").count() == 1, (
            "the sentence about the field before does not move the button away"
        )
        page.get_by_role("button", name="Remove Passengers 1").focus()
        page.keyboard.type("ares")
        settle(page)
        assert card(page) == first
        page.get_by_text("Total must be at most 5000.").first.wait_for()
    assert Decision.objects.count() == 0
