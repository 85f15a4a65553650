"""The editor: form and text of one draft in step; mistakes at their field; two people, two drafts, nothing lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.models import PolicyDraft, PolicyVersion, System
from governance.policies import drafting
from governance.policies.document import parse_policy
from governance.refusals import Invalid, Problem
from tests import cast
from tests.governance.policies import invented
from tests.governance.policies.asking import is_asked, leaves
from tests.governance.policies.invented import ask, rule

RULES = [
    rule("review", {"all": [ask("input.amount", "gt", 500), ask("output.digit", "in", [1, 2])]}, "large"),
    rule("block", {"any": [ask("input.kind", "eq", "500", on_missing="false"), ask("confidence", "lt", 0.2)]}, "odd",
         because="It is odd."),
    rule("review", {"not": ask("input.kind", "exists", True)}, "nested"),
]  # fmt: skip


def posted(document: dict[str, Any]) -> dict[str, str]:
    """What a browser sends when nothing was changed."""
    form = drafting.form(document)
    said = {"threshold": form.threshold, "audit_rate": form.audit_rate, "target": form.target, "due_in": form.due_in}
    if form.audit_hold:
        said["audit_hold"] = "on"
    for part in (*form.rules, *form.segments):
        said |= {f"{part.name}-id": part.id}
        said |= {f"{part.name}-then": part.then, f"{part.name}-because": part.because} if part.then else {}
        said |= {f"{part.name}-threshold": part.threshold} if part.threshold else {}
        for one in part.questions or ():
            said |= {f"{part.name}-joined": part.joined, f"{one.name}-field": one.field, f"{one.name}-op": one.op,
                     f"{one.name}-value": one.value, f"{one.name}-on_missing": one.on_missing}  # fmt: skip
    return said


@settings(max_examples=200)
@given(invented.documents, st.lists(leaves().filter(is_asked), min_size=1, max_size=3))
def test_a_form_sent_back_unchanged_changes_nothing(document: dict[str, Any], asked: list[dict[str, Any]]) -> None:
    document["rules"] = [*document["rules"], rule("review", {"all": asked}, "more")]
    before, after = (parse_policy(text) for text in (document, drafting.filled(document, posted(document))))
    assert [one.when.tree for one in before.rules] == [one.when.tree for one in after.rules] or _same(before, after)
    assert (before.threshold.default, before.audit) == (after.threshold.default, after.audit)
    assert [part.threshold for part in before.threshold.segments] == [p.threshold for p in after.threshold.segments]


def _same(before: Any, after: Any) -> bool:
    from governance.policies.sentences import condition_sentence

    return [condition_sentence(one.when) for one in before.rules] == [
        condition_sentence(one.when) for one in after.rules
    ]  # fmt: skip


def test_buttons_move_add_and_drop() -> None:
    document = {"threshold": {"default": 0.9}, "rules": RULES}
    ids = lambda text: [one["id"] for one in text["rules"]]  # noqa: E731
    assert ids(drafting.stepped(document, "rule-1-up")) == ["odd", "large", "nested"]
    assert ids(drafting.stepped(document, "rule-0-up")) == ["large", "odd", "nested"]
    assert ids(drafting.stepped(document, "rule-0-remove")) == ["odd", "nested"]
    assert ids(drafting.stepped(document, "rule-add")) == ["large", "odd", "nested", "rule-1"]
    assert len(drafting.stepped(document, "rule-0-drop-1")["rules"][0]["when"]["all"]) == 1
    assert len(drafting.stepped(document, "rule-1-ask")["rules"][1]["when"]["any"]) == 3
    assert drafting.stepped(document, "segment-add")["threshold"]["segments"][0]["threshold"] == 1
    assert document["rules"] == RULES
    for wrong in ("rule-9-up", "rule-2-ask", "queue-add", "rule-0-explode", "rule-x-up", ""):
        with pytest.raises(Invalid):
            drafting.stepped(document, wrong)


@pytest.mark.parametrize(
    ("pointer", "control"),
    [
        ("policy.threshold.default", "threshold"), ("policy.rules[2].when.all[1].value", "rule-2-1-value"),
        ("policy.rules[0]", "rule-0-id"), ("policy.rules[0].id", "rule-0-id"), ("policy.routing.default.queue", ""),
        ("policy.threshold.segments[1].threshold", "segment-1-threshold"),
        ("policy.rules[1].when.any[0]", "rule-1-0-field"),
    ],
)  # fmt: skip
def test_a_mistake_finds_its_control(pointer: str, control: str) -> None:
    assert drafting.at_field(Problem(pointer, "wrong", "Wrong.")) == control


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
