"""Recorded outputs for replays, and the same questions answered one by one in Python."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

from governance.models import Output, System
from governance.people.actors import machine
from governance.policies.candidate import Candidate
from governance.policies.judge import judge
from governance.policies.policy import Policy
from governance.policies.routes import route
from governance.refusals import Problem
from reviews import intake

DICE = random.Random(5)
KINDS = ("refund", "Refund please", "card arrival", "", "transfer", None, 7)
NEVER = 2**64 - 1


def body(number: int, slug: str = "digits") -> bytes:
    """An output of any shape: fields that are missing or of another kind, broken contracts, no confidence."""
    amount = DICE.choice([None, 5, 99.5, 100, 100.01, 500, 1e6, "500", True])
    sent: dict[str, Any] = {
        "system": slug, "external_id": f"r-{number}", "output": {"digit": DICE.randrange(12)},
        "input": {"kind": DICE.choice(KINDS), "lines": [{"at": f"2026-0{DICE.randrange(1, 10)}-01T00:00:00Z"}]},
        "attributes": DICE.choice([{}, {"channel": "chat"}, {"channel": "mail"}]),
        "confidence": DICE.choice([None, 0, 0.5, 0.8, 0.899999, 0.9, 0.95, 0.97, 1]),
        "model": "reader", "model_version": DICE.choice(["3.1", "3.2"]),
    }  # fmt: skip
    if amount is not None:
        sent["input"]["amount"] = amount
    return json.dumps(sent).encode()


def send(system: System, count: int) -> None:
    """So many outputs through the ordinary intake."""
    bodies = [intake.read(body(number, system.slug)) for number in range(count)]
    results = intake.accept(bodies, system=system, actor=machine("test"))
    assert all(isinstance(result, intake.Taken) for result in results)


def candidates(system: System) -> list[tuple[Output, Candidate]]:
    """Every recorded output as the judge would see it."""
    found = []
    for output in Output.objects.filter(system=system).select_related("content").order_by("-id"):
        content, context = output.content, json.loads(output.content.context)
        problems = (Problem("", "broken", "Broken."),) if output.is_breached else ()
        found.append((output, Candidate(
            output.confidence, json.loads(content.input), json.loads(content.answer), context["attributes"],
            output.model or None, output.model_version or None, output.prompt_version, output.received_at, problems,
        )))  # fmt: skip
    return found


def judged(asked: list[tuple[Output, Candidate]], base: Policy, candidate: Policy) -> Counter[tuple[Any, ...]]:
    """What both policies say, output by output: lanes, rules, thresholds, queues."""
    counts: Counter[tuple[Any, ...]] = Counter()
    for output, one in asked:
        said = [judge(policy, one, draw=NEVER) for policy in (base, candidate)]
        goes = [route(policy, one).queue for policy in (base, candidate)]
        counts[
            int(output.received_at.timestamp()) // 3600, *((v.lane, v.rule, v.threshold) for v in said), *goes,
            output.propensity,
        ] += 1  # fmt: skip
    return counts
