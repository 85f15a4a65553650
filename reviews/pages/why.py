"""`/outputs/{id}/`: why an output is what it is: what happened, by which rule, with which proof."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from governance import clock
from governance.contracts.masking import mask
from governance.contracts.schema import Contract
from governance.evidence import holders, log
from governance.models import Entry, Example, Output, Person, Replay
from governance.pages import access, replay_words
from governance.pages.templatetags import words
from governance.people import roles
from governance.policies.registry import compiled, compiled_contract
from governance.refusals import NotFound
from governance.tuning import replaying
from reviews import trace
from reviews.decisions.answers import short_reading
from reviews.models import Decision
from reviews.pages import showing, why_words
from reviews.pages.showing import Shown, Text, text, thumb
from reviews.pages.showing.foreign import as_json
from reviews.pages.showing.scan import Scan
from reviews.quality import blindness

VERB: Final = "see outputs"


@dataclass(frozen=True, slots=True)
class Told:
    """A step made ready for the page. `name` is what its sentence begins with, to be set apart; `day` is "" where the
    day is the same as above."""

    step: trace.Step
    glyph: str
    name: str
    says: Text
    starts_day: bool
    comment: Text | None
    changes: Sequence[why_words.Change]
    beside: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Content:
    """What the AI was given and what it said, as far as this reader may see it."""

    scan: Scan | None
    given: Shown
    said: Text
    whole: Any
    alternatives: tuple[tuple[Text, int | None], ...]
    explanation: Text | None
    is_masked: bool


@login_required
@require_safe
def show(request: HttpRequest, id: UUID) -> HttpResponse:
    """The page. For whoever may not see the output, or could still be asked to judge it blind, there is nothing."""
    systems, person = access.systems(request, VERB), access.person(request)
    output = _found(systems, person, id)
    viewer = trace.viewer_of(person, output.system_id)
    contract = compiled_contract(output.policy.contract_id) if output.policy else None
    content = _content(output, contract, sees_personal=viewer.sees_personal)
    steps = trace.story(output, viewer)
    judged = next((step for step in steps if step.kind == "judged" and step.proof), None)
    leaf = _leaf(judged)
    decision = Decision.objects.select_related("person").filter(pk=output.decision).first() if output.decision else None
    policy = compiled(output.policy_id) if output.policy_id else None
    asked = judged.facts.get("trace", ()) if judged else ()
    number = output.policy.number if output.policy else None
    context = {
        "output": output, "content": content, "steps": _told(steps, content.whole, _replayed(output)), "judged": judged,
        "plain": [
            text(line)
            for line in why_words.plain(
                output, policy=number, signers=_signers(steps), decision=decision, said=content.said.plain
            )
        ],
        "is_known": any(step.kind == "outcome" for step in steps), "proof": _proof(judged),
        "statement": text(why_words.statement(output, policy=number, decision=decision, now=clock.now())),
        "conditions": why_words.conditions(output, policy, asked, _draw(leaf)) if judged else (),
        "machine": why_words.machine_form(leaf) if leaf else "", "number": number,
        "can_supersede": output.resolved_by == "fallback"
        and roles.may(person, "supersede a decision", output.system_id),
        "example": Example.objects.kept(output.system).filter(output=output).select_related("pinned_by").first(),
        "may_pin": not output.is_known_answer and roles.may(person, "pin an example", output.system_id),
        "suggested": "release" if output.status == "approved" else "review",
        "sees_evidence": roles.may(person, "see evidence", output.system_id),
        "may_erase": roles.may(person, "erase outputs", output.system_id),
        "pending": sum(1 for step in steps if step.proof and not step.proof.is_sealed),
    }  # fmt: skip
    return render(request, "why.html", context)


def _found(systems: set[UUID] | None, person: Person, id: UUID) -> Output:
    outputs = Output.objects.select_related("system", "policy", "content").defer("policy__document")
    outputs = outputs if systems is None else outputs.filter(system__in=systems)
    found = blindness.not_hidden_from(outputs, person).filter(pk=id).first()
    if found is None:
        raise NotFound("There is nothing here.")
    return found


def _signers(steps: Sequence[trace.Step]) -> int:
    """How many people signed the policy, before the answer was judged."""
    return len({step.who.id for step in steps if step.kind == "approved" and step.who})


def _proof(judged: trace.Step | None) -> dict[str, Any] | None:
    """Under which signed head the verdict's entry stands, and who outside holds that head or a later one."""
    checkpoint = log.latest_checkpoint()
    if judged is None or judged.proof is None or judged.proof.index is None or checkpoint is None:
        return None
    held = [each for each in holders.holders(()) if each.size is not None and each.size > judged.proof.index]
    return {"checkpoint": checkpoint, "root": bytes(checkpoint.root).hex(), "holders": held}


def _leaf(judged: trace.Step | None) -> bytes:
    if judged is None or judged.proof is None:
        return b""
    return bytes(Entry.objects.values_list("leaf", flat=True).get(pk=judged.proof.entry))


def _draw(leaf: bytes) -> str | None:
    draw = json.loads(leaf).get("gate", {}).get("draw") if leaf else None
    return draw if isinstance(draw, str) else None


def _content(output: Output, contract: Contract | None, *, sees_personal: bool) -> Content:
    kept = output.content
    context = json.loads(kept.context)
    document = {
        "input": json.loads(kept.input), "output": json.loads(kept.answer),
        "attributes": context.get("attributes") or {},
    }  # fmt: skip
    others = context.get("alternatives") or []
    hides = contract is not None and not sees_personal and bool(contract.personal_data)
    if hides and contract is not None:
        document = mask(contract, document)
        others = [{**other, "output": mask(contract, {"output": other["output"]})["output"]} for other in others]
    given, schema = document["input"], contract.input_schema if contract else True
    explanation = context.get("explanation")
    explained = explanation if isinstance(explanation, str) else as_json(explanation)
    return Content(
        thumb(schema, given), showing.show(schema, given, "What the AI was given"),
        text(short_reading(contract, document["output"])),
        document["output"],
        tuple((text(short_reading(contract, other["output"])), _millionths(other)) for other in others[:3]),
        text(explained) if explanation and not hides else None, hides,
    )  # fmt: skip


def _millionths(alternative: dict[str, Any]) -> int | None:
    confidence = alternative.get("confidence")
    return int(confidence * 1_000_000) if isinstance(confidence, (int, float)) else None


def _told(steps: Sequence[trace.Step], said: Any, replayed: str) -> list[Told]:
    days = [step.at.date() for step in steps]
    return [
        _ready(step, said, starts_day=day != before, beside=_beside(step, steps, replayed))
        for step, day, before in zip(steps, days, [None, *days], strict=False)
    ]


def _replayed(output: Output) -> str:
    """What the replay that was signed with the policy found; "" when there was none."""
    if output.policy is None or output.policy.replay_id is None:
        return ""
    made = Replay.objects.select_related("base").get(pk=output.policy.replay_id)
    old = f"policy {made.base.number}" if made.base else "people alone"
    return replay_words.told(replaying.told(made), old=old, new="this policy").sentence


def _beside(step: trace.Step, steps: Sequence[trace.Step], replayed: str) -> list[str]:
    """What stands under a step: what exactly was signed, who saw what for how long, what the producer answered."""
    if step.kind == "approved":
        what = "this text and this replay" if step.facts.get("replay") else "this text"
        return [f"Signed for exactly {what}, and not by its author"]
    if step.kind == "replay_attached":
        return [replayed] if replayed else []
    if step.kind == "decided" and step.who:
        taken = [one.at for one in steps if one.kind == "claimed" and one.who == step.who and one.at <= step.at]
        held = [f"In hand for {words.span(step.at - taken[-1])}"] if taken and not step.who.is_simulated else []
        return [*held, "Saw what the AI was given" + ("" if step.facts.get("blind") else " and what it said")]
    if step.kind in ("delivered", "delivery_failed") and step.facts.get("answer"):
        return [f"Answered {step.facts['answer']}"]
    return []


def _ready(step: trace.Step, said: Any, *, starts_day: bool, beside: Sequence[str]) -> Told:
    name = step.who.name if step.who and step.who.kind == "person" and step.who.name else ""
    sentence = step.says.removeprefix(name) if name and step.says.startswith(name) else step.says
    comment = step.facts.get("comment")
    corrected = step.facts.get("output") if step.facts.get("verdict") == "override" else None
    changed = why_words.changes(said, corrected) if corrected is not None else ()
    return Told(
        step, why_words.glyph(step.kind, step.facts), name if sentence != step.says else "", text(sentence), starts_day,
        text(str(comment)) if comment else None, changed, beside,
    )  # fmt: skip
