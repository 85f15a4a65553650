"""Simulated reviewers: they decide through the same verbs as people, from the true answers and with a stated error."""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from governance.models import Person
from governance.people import actors
from reviews import queue
from reviews.decisions import decide
from reviews.models import Item
from reviews.queue import Claim

# What the simulated reviewers get wrong; the README and the demo's pages state it.
MISSES: Final = 0.05  # of the AI's wrong answers, approved all the same
OVERTURNS: Final = 0.001  # of the AI's right answers, replaced by a wrong one


class Simulated:
    """One simulated person at her desk."""

    def __init__(self, person: Person, *, truths: Mapping[str, dict[str, Any]], seed: int) -> None:
        self.actor = actors.person(person, auth="none")
        self._truths = truths
        self._dice = random.Random(seed)  # noqa: S311  a simulation, repeatable by its seed

    def decide_next(self, queue_slug: str) -> bool:
        """Decides the most urgent item of the queue that she may take; False when there is none for her."""
        claim = queue.claim_next(self.actor, queue=queue_slug)
        if claim is None:
            return False
        self._decide(claim)
        return True

    def _decide(self, claim: Claim) -> None:
        said = json.loads(claim.answer or "null")
        answer = self._answer(claim, said)
        item, token = claim.item, claim.token
        if claim.is_blind:
            decide(self.actor, item=item, token=token, output=answer)
        elif answer == said:
            decide(self.actor, item=item, token=token, verdict="approve")
        else:
            reasons = self._reason(claim)
            decide(self.actor, item=item, token=token, verdict="override", output=answer, reasons=reasons)

    def _answer(self, claim: Claim, said: Any) -> Any:
        truth = self._truths[claim.external_id]
        is_adjudicating = claim.number == 3
        if said != truth:
            misses = not claim.is_blind and not is_adjudicating and self._dice.random() < MISSES
            return said if misses else truth
        if is_adjudicating or self._dice.random() >= OVERTURNS:
            return truth
        others = [option["output"] for option in json.loads(claim.context or "{}").get("alternatives", [])]
        return next((other for other in others if other != said), truth)

    def _reason(self, claim: Claim) -> list[str]:
        known = [reason.code for reason in claim.rules.review.reasons]
        return [self._dice.choice(known[:2])] if known else []


def work_off(
    people: Sequence[Simulated], *, queues: Sequence[str], waiting: Callable[[], int], tick: Callable[[int], None]
) -> None:
    """Lets the people decide in turn until nothing waits; `tick` is told how many items were closed."""
    left = waiting()
    while left:
        done = [p.decide_next(slug) for _ in range(max(1, left // len(people) // 4)) for p in people for slug in queues]
        before, left = left, waiting()
        tick(before - left)
        if not any(done):
            return


def waiting(system_slug: str) -> int:
    """How many items of the system are open."""
    return Item.objects.filter(system__slug=system_slug).exclude(state="closed").count()
