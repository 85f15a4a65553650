"""Judging: the whole verdict with its trace against a plain loop that makes the same comparisons and keeps nothing."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.figures import Figure
from governance.contracts.schema import compile_contract
from governance.policies.candidate import Candidate
from governance.policies.document import parse_policy
from governance.policies.judge import judge

ROUNDS = 5
RULES, CONDITIONS = 5, 6
_CONTRACT = {
    "version": "1.0.0",
    "input": {"type": "object", "properties": {f"value_{place}": {"type": "number"} for place in range(CONDITIONS)}},
    "output": {"type": "object", "properties": {"label": {"type": "string"}}},
    "correct_when": ["/output/label"],
}


def bench(size: float) -> list[Figure]:
    """Verdicts a second, with rules that all have to be asked because their last condition never holds."""
    count = max(5_000, int(200_000 * size))
    policy = parse_policy(_document(), contract=compile_contract(_CONTRACT), risk_tier="limited")
    candidates = [
        Candidate(500_000 + number % 500_000, {f"value_{place}": number % 100 for place in range(CONDITIONS)},
                  {"label": "a"}, model="m", model_version="1")
        for number in range(count)
    ]  # fmt: skip
    ours, plain = [], []
    for turn in range(ROUNDS + 1):
        limit = _rate(_plain, candidates)
        whole = _rate(lambda candidate: judge(policy, candidate, draw=2**63), candidates)
        if turn:
            plain.append(limit), ours.append(whole)
    name = f"judging {RULES} rules of {CONDITIONS} conditions, with trace"
    return [
        Figure(name, statistics.median(ours), statistics.median(plain), "per s of CPU", count,
               "plain loop, yes or no only")
    ]  # fmt: skip


def _document() -> dict[str, Any]:
    def rule(number: int) -> dict[str, Any]:
        holds = [{"field": f"input.value_{place}", "op": "ge", "value": 0} for place in range(CONDITIONS - 1)]
        never = {"field": f"input.value_{CONDITIONS - 1}", "op": "gt", "value": 1000 - number}
        return {"id": f"rule-{number}", "when": {"all": [*holds, never]}, "then": "review"}

    return {
        "risk": {"target": 0.02, "confidence": 0.95}, "threshold": {"default": 0.9}, "audit": {"rate": 0.05},
        "rules": [rule(number) for number in range(RULES)],
        "routing": {"default": {"queue": "general"}, "queues": {"general": {"mode": "pull"}}},
        "sla": {"due_in": "PT4H"},
    }  # fmt: skip


def _plain(candidate: Candidate) -> str:
    values = candidate.input
    for number in range(RULES):
        if (
            values["value_0"] >= 0 and values["value_1"] >= 0 and values["value_2"] >= 0 and values["value_3"] >= 0
            and values["value_4"] >= 0 and values["value_5"] > 1000 - number
        ):  # fmt: skip
            return "review"
    return "release" if candidate.confidence is not None and candidate.confidence >= 900_000 else "review"


def _rate(call: Callable[[Candidate], object], candidates: Sequence[Candidate]) -> float:
    began = time.process_time()  # a core's own time: what else runs on it counts for nothing
    for candidate in candidates:
        call(candidate)
    return len(candidates) / (time.process_time() - began)
