"""The editor: form and text of one draft in step; mistakes at their field; two people, two drafts, nothing lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.contracts.reading import duration
from governance.models import PolicyDraft, PolicyVersion, System
from governance.policies import conditions, draftconditions, drafting, draftsteps, draftvalues
from governance.policies.canonical import digest
from governance.policies.document import parse_policy
from governance.policies.sentences import condition_sentence, policy_sentences
from governance.refusals import Invalid, Problem
from tests import cast
from tests.governance.policies import asking, drafted
from tests.governance.policies.invented import ask, rule

A, B, C, NEW = (ask("input.amount", "gt", 500), ask("output.digit", "in", [1, 2]), ask("input.kind", "eq", "500"),
                {"field": "confidence", "op": "lt", "value": 0.5})  # fmt: skip
RULES = [
    rule("review", {"all": [A, B]}, "large"),
    rule("block", {"any": [{**C, "on_missing": "false"}, ask("confidence", "lt", 0.2)]}, "odd", because="It is odd."),
    rule("review", {"all": [A, {"not": {"any": [B, {"not": C}]}}]}, "nested"),
]  # fmt: skip


@settings(max_examples=150)
@given(drafted.documents())
def test_a_valid_document_opened_in_the_form_and_saved_unchanged_is_the_same(document: dict[str, Any]) -> None:
    try:
        parse_policy(document)
    except Invalid:
        return
    assert digest(drafting.filled(document, drafted.sent(document))) == digest(document)


@settings(max_examples=15)
@given(drafted.documents())
def test_the_page_sends_what_the_form_shows(document: dict[str, Any]) -> None:
    assert drafted.Browser(drafted.page(document)).said == drafted.sent(document)


KEYS = (
    "rules when all any not field op value threshold segments default routing queues a sla on_breach after do due_in "
    "audit skills"
).split()


@settings(max_examples=150)
@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(KEYS),
        inner, max_size=4),
    max_leaves=12,
).filter(lambda found: isinstance(found, dict)))  # fmt: skip
def test_no_text_however_wrong_breaks_the_form_or_loses_anything_in_it(document: dict[str, Any]) -> None:
    assert drafting.filled(document, drafted.sent(document)) == document


@given(asking.values, st.booleans())
def test_what_a_control_shows_of_a_value_reads_as_the_same_value(value: Any, is_list: bool) -> None:
    is_list = is_list and isinstance(value, list) and bool(value)
    shown = draftvalues.written(value, is_list=is_list)
    assert json.dumps(draftvalues.read(shown, is_list=is_list)) == json.dumps(value)


@given(st.integers(0, 10**8), st.sampled_from(["days", "hours", "minutes", "seconds"]))
def test_an_amount_of_time_is_read_back_as_it_was_written(count: int, unit: str) -> None:
    count %= {"days": 366, "hours": 8784}.get(unit, 100_000)
    text = draftvalues.iso(str(count), unit)
    shown = draftvalues.amount(text)
    assert draftvalues.amount(draftvalues.iso(*shown)) == shown
    assert duration(text) == duration(draftvalues.iso(*shown))


@settings(max_examples=150)
@given(drafted.whens, st.data())
def test_buttons_keep_a_condition_a_condition(when: dict[str, Any], data: st.DataObject) -> None:
    nodes = list(_walk(draftconditions.shown(when, "rule-0")))
    name = data.draw(st.sampled_from([node.name for node in nodes]))
    verb = data.draw(st.sampled_from(["ask", "group", "up", "down", "wrap", "out", "drop"]))
    try:
        after = draftsteps.stepped({"rules": [rule("review", when)]}, f"{name}-{verb}")
    except Invalid:
        return
    condition_sentence(conditions.parse(after["rules"][0]["when"]))
    draftsteps.focus(after, f"{name}-{verb}")


def _walk(node: Any) -> Any:
    yield node
    for part in getattr(node, "parts", ()):
        yield from _walk(part)


@pytest.mark.parametrize(
    ("when", "step", "after"),
    [
        ({"all": [A, B]}, "1-up", {"all": [B, A]}), ({"all": [A, B]}, "0-down", {"all": [B, A]}),
        ({"all": [A, B]}, "0-up", {"all": [A, B]}), ({"all": [A, B]}, "1-drop", {"all": [A]}),
        ({"all": [A, B]}, "1-wrap", {"all": [A, {"any": [B]}]}), (A, "0-wrap", {"all": [{"any": [A]}]}),
        (A, "ask", {"all": [A, NEW]}), ({"any": [A]}, "group", {"any": [A, {"any": [NEW]}]}),
        ({"all": [A, {"any": [B, C]}]}, "1-0-out", {"all": [A, {"any": [C]}, B]}),
        ({"all": [A, {"any": [B]}]}, "1-0-out", {"all": [A, B]}),
        ({"all": [A, {"any": [B]}]}, "1-0-drop", {"all": [A]}),
        ({"all": [A, {"any": [B, C]}]}, "1-0-drop", {"all": [A, {"any": [C]}]}),
        ({"all": [A, {"any": [B, C]}]}, "1-drop", {"all": [A]}),
        ({"not": {"all": [A, B]}}, "1-up", {"not": {"all": [B, A]}}),
        ({"not": A}, "ask", {"not": {"any": [A, NEW]}}),
        ({"all": [{"any": [A, B]}]}, "0-1-up", {"all": [{"any": [B, A]}]}),
    ],
)  # fmt: skip
def test_a_condition_is_built_by_buttons(when: Any, step: str, after: Any) -> None:
    assert draftsteps.stepped({"rules": [rule("review", when)]}, f"rule-0-{step}")["rules"][0]["when"] == after


@pytest.mark.parametrize(
    ("when", "joined", "after"),
    [
        ({"all": [A, B]}, "any", {"any": [A, B]}), ({"all": [A, B]}, "none", {"not": {"any": [A, B]}}),
        ({"all": [A, B]}, "not-all", {"not": {"all": [A, B]}}), ({"not": {"any": [A, B]}}, "all", {"all": [A, B]}),
        (A, "none", {"not": A}), ({"not": A}, "all", {"all": [A]}), ({"all": [A, B]}, "xor", {"all": [A, B]}),
    ],
)  # fmt: skip
def test_a_group_is_joined_another_way(when: Any, joined: str, after: Any) -> None:
    document = {"rules": [rule("review", when)]}
    said = drafted.sent(document) | {"rule-0-joined": joined}
    assert drafting.filled(document, said)["rules"][0]["when"] == after


def test_conditions_grow_no_deeper_than_they_may() -> None:
    document: dict[str, Any] = {"rules": [rule("review", {"all": [A]})]}
    for level in range(6):
        document = draftsteps.stepped(document, f"rule-0-{'0-' * level}0-wrap")
        parse_policy({"threshold": {"default": 1}, **document})
    with pytest.raises(Invalid, match="at most 8 levels deep"):
        draftsteps.stepped(document, f"rule-0-{'0-' * 6}0-wrap")


def test_buttons_move_add_and_drop_parts() -> None:
    document = {"threshold": {"default": 0.9}, "rules": RULES}
    ids = lambda text: [one["id"] for one in text["rules"]]  # noqa: E731
    assert ids(draftsteps.stepped(document, "rule-1-up")) == ["odd", "large", "nested"]
    assert ids(draftsteps.stepped(document, "rule-0-up")) == ["large", "odd", "nested"]
    assert ids(draftsteps.stepped(document, "rule-0-remove")) == ["odd", "nested"]
    assert ids(draftsteps.stepped(document, "rule-add")) == ["large", "odd", "nested", "rule-1"]
    assert draftsteps.stepped(document, "segment-add")["threshold"]["segments"][0]["threshold"] == 1
    assert draftsteps.stepped(document, "route-add")["routing"]["rules"][0]["queue"] == "general"
    assert draftsteps.stepped(document, "queue-add")["routing"]["queues"] == {"general": {}, "queue-1": {}}
    assert document["rules"] == RULES
    for wrong in ("rule-9-up", "rule-0-9-up", "rule-0-0-out", "rule-0-0-ask", "desk-add", "rule-0-explode", "rule-x-up",
                  "", "queue-0-up", "step-0-ask", "rule-0-0-remove"):  # fmt: skip
        with pytest.raises(Invalid):
            draftsteps.stepped(document, wrong)


@pytest.mark.parametrize(
    ("step", "focus"),
    [
        ("rule-add", "rule-2-id"), ("rule-0-down", "rule-1-down"), ("rule-0-up", "rule-0-up"),
        ("rule-1-remove", "rule-add"),
        ("rule-2-ask", "rule-2-1-field"), ("rule-0-1-up", "rule-0-0-up"), ("rule-0-1-wrap", "rule-0-1-joined"),
        ("rule-0-1-drop", "rule-0-ask"), ("rule-2-1-0-out", "rule-2-ask"), ("save", ""), ("step-add", "step-0-after"),
    ],
)  # fmt: skip
def test_the_keyboard_stays_with_what_was_moved(step: str, focus: str) -> None:
    assert draftsteps.focus({"rules": RULES}, step) == focus


ROUTED: dict[str, Any] = {
    "threshold": {"default": 0.9},
    "routing": {
        "default": {"queue": "general"}, "rules": [{"id": "cards", "when": A, "queue": "cards", "skills": ["refunds"]}],
        "queues": {"cards": {"mode": "assign", "escalates_to": "seniors"}, "general": {}, "seniors": {}},
    },
    "sla": {"due_in": "PT4H", "on_breach": [{"after": "PT0H", "do": "escalate"},
                                           {"after": "PT20H", "do": "resolve", "as": "reject"}]},
}  # fmt: skip


def test_routing_is_changed_by_form_and_read_back() -> None:
    said = drafted.sent(ROUTED) | {
        "route-0-skills": "refunds, cards", "route-0-priority": "80", "route-0-reviewers": "2", "queue-0-capacity": "5",
        "queue-0-affinity": "input.customer", "to-queue": "seniors",
    }  # fmt: skip
    new = drafting.filled(ROUTED, said)
    more = {"skills": ["refunds", "cards"], "priority": 80, "reviewers": 2}
    assert new["routing"]["rules"][0] == ROUTED["routing"]["rules"][0] | more
    told = policy_sentences(parse_policy(new))
    assert (
        "When a person decides and amount is over 500, it waits in cards for those with the skills refunds and "
        "cards, at urgency 80 of 100, and two people decide it."
    ) in told
    assert "Else, it waits in seniors." in told
    assert (
        "Queue cards hands its items to people, at most 5 to each at a time, what has the same input.customer to "
        "the same one."
    ) in told
    assert "What has to go higher goes from cards to seniors." in told
    assert drafting.form(new).queues[0].sentence.startswith("Queue cards hands its items to people, at most 5")


def test_a_queue_that_is_renamed_keeps_its_routes() -> None:
    new = drafting.filled(ROUTED, drafted.sent(ROUTED) | {"queue-2-id": "experts", "queue-0-id": "card-desk"})
    assert list(new["routing"]["queues"]) == ["card-desk", "general", "experts"]
    assert new["routing"]["queues"]["card-desk"]["escalates_to"] == "experts"
    assert new["routing"]["rules"][0]["queue"] == "card-desk"
    parse_policy(new)


def test_the_ladder_is_changed_by_form_and_read_back() -> None:
    ladder = draftsteps.stepped(ROUTED, "step-add")
    assert [step["do"] for step in ladder["sla"]["on_breach"]] == ["escalate", "remind", "resolve"]
    said = drafted.sent(ladder) | {"due_in": "1.5", "step-1-after": "90", "step-1-after-unit": "minutes",
                                   "step-1-do": "raise", "step-2-do": "release", "step-2-after": "2",
                                   "step-2-after-unit": "days"}  # fmt: skip
    new = drafting.filled(ladder, said)
    assert new["sla"] == {"due_in": "PT1H30M", "on_breach": [
        {"after": "PT0H", "do": "escalate"}, {"after": "PT1H30M", "do": "raise"},
        {"after": "P2D", "do": "resolve", "as": "release"}]}  # fmt: skip
    assert [part.sentence for part in drafting.form(new).steps] == [
        "When the 1 h 30 min are over it goes to the senior queue.", "After 1 h 30 min more it is made more urgent.",
        "After 2 days more it goes out alone: nobody's judgement, and never counted as a label.",
    ]  # fmt: skip
    high = drafting.form(new, risk_tier="high").steps[2].sentence
    assert high == "On a high-risk system nothing is released because it is late."
    wrong = drafting.filled(ladder, said | {"step-1-after": "soon"})
    assert draftsteps.at_field(_mistakes(wrong)[0]) == "step-1-after"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rule-0-1-0-field", "nowhere"), ("rule-0-1-0-op", "like"), ("rule-0-1-1-0-value", "[1, 2]"),
        ("rule-0-0-on_missing", "x"),
        ("rule-0-id", "Not A Slug"), ("rule-0-then", "explode"), ("segment-0-threshold", "200"),
        ("segment-0-0-field", "x"),
        ("route-0-queue", "nowhere"), ("route-0-priority", "200"), ("route-0-reviewers", "9"),
        ("route-0-skills", "A B"),
        ("to-queue", "nowhere"), ("to-priority", "much"), ("queue-0-mode", "push"), ("queue-0-capacity", "0"),
        ("queue-0-affinity", "what"), ("step-1-after", "much"), ("step-0-do", "explode"), ("due_in", "0"),
        ("threshold", "much"), ("audit_rate", "900"), ("target", "100"), ("queue-0-escalates_to", "Not A Slug"),
    ],
)  # fmt: skip
def test_every_mistake_is_told_at_the_control_that_made_it(name: str, text: str) -> None:
    document = {
        **ROUTED, "risk": {"target": 0.02}, "audit": {"rate": 0.1},
        "rules": [rule("review", {"all": [A, {"not": {"any": [B, {"not": C}]}}]}, "nested")],
        "threshold": {"default": 0.9, "segments": [{"id": "s", "when": A, "threshold": 0.5}]},
    }  # fmt: skip
    said = drafted.sent(document)
    assert name in said
    if name == "rule-0-1-1-0-value":
        said["rule-0-1-1-0-op"] = "lt"
    wrong = drafting.filled(document, said | {name: text})
    assert name in [draftsteps.at_field(problem, wrong) for problem in _mistakes(wrong)]


def _mistakes(document: dict[str, Any]) -> list[Problem]:
    with pytest.raises(Invalid) as refusal:
        parse_policy(document)
    return list(refusal.value.errors)


def test_hostile_texts_are_shown_as_texts() -> None:
    document = {
        "threshold": {"default": 0.9},
        "rules": [rule("review", {"any": [ask(drafted.HOSTILE, "eq", drafted.HOSTILE)]}, drafted.HOSTILE,
                       because=drafted.HOSTILE)],
        "routing": {"queues": {drafted.HOSTILE: {"affinity": drafted.HOSTILE}}, "default": {"queue": drafted.HOSTILE}},
    }  # fmt: skip
    page = drafted.page(document)
    browser = drafted.Browser(page)
    assert not {"script", "b"} & browser.tags
    assert drafting.filled(document, browser.said) == document


@pytest.mark.parametrize(
    ("pointer", "control"),
    [
        ("policy.threshold.default", "threshold"), ("policy.rules[2].when.all[1].value", "rule-2-1-value"),
        ("policy.rules[0]", "rule-0-id"), ("policy.rules[0].id", "rule-0-id"),
        ("policy.routing.default.queue", "to-queue"),
        ("policy.threshold.segments[1].threshold", "segment-1-threshold"),
        ("policy.rules[1].when.any[0]", "rule-1-0-field"),
    ],
)  # fmt: skip
def test_a_mistake_finds_its_control(pointer: str, control: str) -> None:
    assert draftsteps.at_field(Problem(pointer, "wrong", "Wrong.")) == control


@pytest.mark.django_db
class TestThePage:
    @pytest.fixture
    def system(self) -> System:
        return cast.system()

    def address(self, system: System) -> str:
        return f"/systems/{system.slug}/policy/draft/"

    def test_a_draft_is_written_by_form_read_back_and_proposed(self, system: System) -> None:
        dana = cast.signed_in(cast.dana())
        assert (
            dana.post(self.address(system), {"do": "rule-add", "revision": "1", "threshold": "85"}).status_code == 302
        )
        said = {
            "do": "save", "revision": "2", "threshold": "85", "rule-0-id": "large", "rule-0-then": "block",
            "rule-0-joined": "all", "rule-0-0-field": "input.amount", "rule-0-0-op": "gt", "rule-0-0-value": "500",
            "rule-0-0-on_missing": "escalate",
        }  # fmt: skip
        dana.post(self.address(system), said)
        page = dana.get(self.address(system)).content.decode()
        assert "When amount is over 500, it is blocked." in page
        assert "<ins>85" in page
        assert "&quot;value&quot;: 500" in page
        done = dana.post(self.address(system), {"do": "propose", "revision": "3", "because": "Large ones."})
        assert done["location"].endswith("/proposals/2/")
        document = json.loads(PolicyVersion.objects.get(number=2).document)
        assert (document["threshold"]["default"], document["rules"][0]["id"]) == (0.85, "large")
        assert not PolicyDraft.objects.exists()

    def test_a_mistake_is_told_at_its_field_and_nothing_is_lost(self, system: System) -> None:
        dana = cast.signed_in(cast.dana())
        dana.post(self.address(system), {"do": "save", "revision": "1", "threshold": "much"})
        page = dana.get(self.address(system)).content.decode()
        assert 'value="much" aria-invalid="true"' in page
        assert dana.post(self.address(system), {"do": "propose", "revision": "2"}).status_code == 422

    def test_the_text_and_the_form_are_one_draft(self, system: System) -> None:
        dana = cast.signed_in(cast.dana())
        dana.post(self.address(system), {"do": "text", "revision": "1", "text": "threshold: {default: 0.7}"})
        assert 'name="threshold" value="70"' in dana.get(self.address(system)).content.decode()
        refused = dana.post(self.address(system), {"do": "text", "revision": "2", "text": "threshold: {default: ["})
        assert refused.status_code == 422
        assert "threshold: {default: [" in refused.content.decode()

    def test_of_two_windows_the_second_is_told_and_keeps_what_was_written(self, system: System) -> None:
        dana = cast.signed_in(cast.dana())
        dana.get(self.address(system))
        dana.post(self.address(system), {"do": "save", "revision": "1", "threshold": "80"})
        second = dana.post(self.address(system), {"do": "save", "revision": "1", "threshold": "70"})
        assert second.status_code == 409
        assert 'name="threshold" value="70"' in second.content.decode()
        assert json.loads(PolicyDraft.objects.get().document)["threshold"]["default"] == 0.8

    def test_two_people_have_two_drafts_and_whoever_is_second_is_told(self, system: System) -> None:
        dana, olga = cast.signed_in(cast.dana()), cast.signed_in(cast.person("olga", "owner"))
        dana.get(self.address(system))
        olga.post(self.address(system), {"do": "save", "revision": "1", "threshold": "80"})
        assert "Olga is writing one too" in dana.get(self.address(system)).content.decode()
        cast.put_in_force(system, cast.policy(threshold={"default": 0.95}))
        stale = olga.post(self.address(system), {"do": "propose", "revision": "2"})
        assert stale.status_code == 409
        assert "has changed since you began" in olga.get(self.address(system)).content.decode()
        olga.post(self.address(system), {"do": "keep", "revision": "3"})
        assert olga.post(self.address(system), {"do": "propose", "revision": "4"}).status_code == 302

    def test_a_proposal_of_a_draft_takes_the_place_of_the_one_before_and_nobody_has_signed_it(
        self, system: System
    ) -> None:  # fmt: skip
        dana = cast.signed_in(cast.dana())
        dana.post(self.address(system), {"do": "save", "revision": "1", "threshold": "80"})
        dana.post(self.address(system), {"do": "propose", "revision": "2"})
        dana.post(self.address(system), {"do": "save", "revision": "1", "threshold": "81"})
        dana.post(self.address(system), {"do": "propose", "revision": "2"})
        first, second = PolicyVersion.objects.filter(number__gt=1).order_by("number")
        assert (first.state, second.state, second.revises_id) == ("revised", "proposed", first.pk)
