"""The promises of the house, each kept from end to end: through the doors, on real rows, at its word.

The third and the fourth are in `test_promises_of_evidence.py`.
"""

import json
import re
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections

from governance.models import Entry, Output, PolicyVersion
from governance.people.actors import CONSOLE
from reviews.delivery import endpoints
from reviews.delivery.sending import deliver_due
from reviews.models import Decision, Item, Seat
from reviews.routing.waiting import route_waiting
from tests import cast
from tests.journeys.program import API, JSON, Program
from tests.journeys.test_deciding_without_javascript import Browser
from tests.reviews.delivery.receiver import receiver
from tests.reviews.intake.sent import raw

pytestmark = [pytest.mark.journey]
FINAL_AT_ONCE = {**cast.POLICY["review"], "undo_seconds": 0}


# 1. Nothing goes out without a policy that says so


@pytest.mark.django_db
def test_nothing_goes_out_without_a_policy_that_says_so() -> None:
    system, _ = cast.bare_system()
    producer, reviewer = Program(system), Program(system, person=cast.alice())

    def send(name: str, confidence: float = 1.0) -> dict[str, Any]:
        return dict(producer.post("outputs/", raw(name, confidence=confidence)).json())

    assert goes_out(send("without a policy")) is None
    dana, erik = (cast.signed_in(who()) for who in (cast.dana, cast.erik))
    policies = f"{API}systems/digits/policies/"
    loose = {"policy": cast.policy(audit={"rate": 0}, review=FINAL_AT_ONCE), "because": "The model was tested."}
    proposed = dana.post(policies, loose, content_type=JSON).json()
    assert goes_out(send("only proposed")) is None
    signature = {"digest": proposed["digest"]}
    assert erik.post(f"{policies}1/approve/", signature, content_type=JSON).status_code == 200
    assert goes_out(send("approved and not in force")) is None
    assert erik.post(f"{policies}1/activate/", {}, content_type=JSON).status_code == 200

    alone = send("confident")
    assert goes_out(alone) == {"digit": 7}
    assert goes_out(send("unsure", confidence=0.5)) is None
    route_waiting()
    countersigned = Output.objects.get(external_id="unsure")
    taken = reviewer.post(f"reviews/{Item.objects.get(output=countersigned).pk}/claim/", {}).json()
    assert reviewer.decide(taken, verdict="approve").status_code == 200

    stricter = {"policy": cast.policy(threshold={"default": 1}), "because": "Later."}
    dana.post(policies, stricter, content_type=JSON)
    for id, by in ((alone["id"], "policy"), (str(countersigned.pk), "person")):
        told = producer.get(f"outputs/{id}/").json()
        assert goes_out(told) == {"digit": 7}
        assert told["resolution"]["by"] == by
        trace = cast.signed_in(cast.ruth()).get(f"{API}outputs/{id}/trace/").json()
        assert (trace["policy"]["version"], trace["policy"]["digest"]) == (1, proposed["digest"])
        people = {step["kind"]: step["by"]["name"] for step in trace["policy"]["steps"]}
        assert people == {"proposed": "Dana", "approved": "Erik", "activated": "Erik"}
        assert trace["verdict"]["rule"] == "threshold:default"
        assert [step["by"]["name"] for step in trace["decisions"]] == ([] if by == "policy" else ["Alice"])
    assert_every_release_has_its_policy()


def goes_out(told: Mapping[str, Any]) -> Any:
    """What the producer may act on."""
    assert (told["resolution"] is None) is (told["status"] == "in_review")
    return told["resolution"]["output"] if told["resolution"] else None


def assert_every_release_has_its_policy() -> None:
    """Read from the log itself: the verdict names the activation, and the activation follows an approval by another."""
    leaves = {bytes(e.leaf_hash).hex(): json.loads(bytes(e.leaf)) for e in Entry.objects.all()}
    released = Output.objects.filter(status__in=("released", "approved", "overridden"))
    assert released.count() == 2
    for output in released:
        judged = json.loads(bytes(Entry.objects.get(subject=output.pk, type="judged").leaf))
        version = PolicyVersion.objects.get(pk=output.policy_id)
        assert (judged["policy"]["digest"], judged["gate"]["rule"]) == (version.digest, output.rule)
        activated = leaves[judged["policy"]["entry"]]
        assert activated["type"] == "activated"
        story = [leaf for leaf in leaves.values() if leaf["subject"]["id"] == str(version.pk)]
        actors = {leaf["type"]: leaf["actor"]["id"] for leaf in story}
        assert actors["approved"] != actors["proposed"]


# 2. Nothing is lost and nothing is decided twice


def test_nothing_is_lost_and_nothing_is_decided_twice(committed_db: str, settings: Any) -> None:
    """Every request is sent by several at once, and what the producer's server drops is sent to it again."""
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    system = cast.system(audit={"rate": 0}, review=FINAL_AT_ONCE)
    with receiver() as told:
        told.answers += [500, 503]
        endpoints.create(system, url=told.url, events=["output.resolved"], by=CONSOLE)
        producers = [Program(system) for _ in range(4)]
        names = [f"n{number}" for number in range(12)]
        sent = at_once(
            [(lambda p=p, n=n: p.post("outputs/", raw(n, confidence=0.5))) for n in names for p in producers]
        )
        assert Counter(answer.status_code for answer in sent) == {201: 12, 200: 36}
        assert len({answer.json()["id"] for answer in sent}) == 12

        at_once([route_waiting] * 4)
        assert Seat.objects.count() == Entry.objects.filter(type="routed").count() == 12

        people = [cast.alice(), cast.bob(), cast.carol()]
        reviewers = [Program(system, person=person) for person in people]
        while held := [(who, taken) for who in reviewers if (taken := who.take()) is not None]:
            assert len({taken["item"]["id"] for _, taken in held}) == len(held), "nobody holds what another holds"
            clicks = [
                (lambda w=who, t=taken, v=verdict: w.decide(t, verdict=v))
                for who, taken in held for verdict in ("approve", "reject", "approve")
            ]  # fmt: skip
            answers = at_once(clicks)
            assert Counter(answer.status_code for answer in answers) == {200: len(held), 409: 2 * len(held)}
        while deliver_due(schedule=(0, 0, 0, 0)).attempts:
            pass
    assert Decision.objects.count() == Output.objects.exclude(status="in_review").count() == 12
    for name in names:
        output = Output.objects.get(external_id=name)
        told_now = producers[0].get(f"outputs/{output.pk}/").json()
        decision = Decision.objects.get(output=output)
        assert told_now["resolution"]["decision"] == str(decision.pk)
        assert (told_now["status"] == "approved") is (decision.verdict == "approve")
        assert Entry.objects.filter(subject=output.pk, type="decided").count() == 1
    ids: dict[str, set[str]] = {}
    for event in told.received:
        ids.setdefault(json.loads(event.body)["data"]["external_id"], set()).add(event.id)
    assert set(ids) == set(names), "every producer is told"
    assert all(len(each) == 1 for each in ids.values()), "and by one id, however often"
    assert len(told.received) == 14


def at_once(calls: Iterable[Any]) -> list[Any]:
    """The answers to calls that all begin together."""
    calls = list(calls)
    together = threading.Barrier(len(calls))

    def run(call: Any) -> Any:
        try:
            together.wait(60)
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))


# 5. The expert's time is the scarce thing


class Desk(Browser):
    """A reviewer's browser with its scripts on: what they send, counted. Each card brings its token along."""

    sent = 0

    def ready(self, shown: str, token: str) -> tuple[str, str]:
        """The next card, asked for while she looks at this one."""
        self.sent += 1
        page = self.client.post("/review/ahead/", {"shown": shown, "token": token}, headers={"X-Desk": "1"})
        assert page.status_code == 200
        html = page.content.decode()
        return card_in(html[html.index("data-ahead") :])

    def decide(self, item: str, token: str, **button: str) -> int:
        self.sent += 1
        said = {"token": token, "took_ms": "900", **button}
        return int(self.client.post(f"/review/{item}/decide/", said, headers={"X-Desk": "1"}).status_code)


def card_in(html: str) -> tuple[str, str]:
    item, token = re.search(r'data-card="([^"]+)"', html), re.search(r'name="token" value="([^"]+)"', html)
    assert item
    assert token
    return item.group(1), token.group(1)


@pytest.mark.django_db
def test_the_experts_time_is_the_scarce_thing() -> None:
    """One press a decision, whatever it is; the next card is there before; nothing is asked twice."""
    system = cast.system(audit={"rate": 0})
    producer = Program(system)
    others = [{"output": {"digit": 1}, "confidence": 0.2}]
    for number in range(9):
        body = raw(f"n{number}", confidence=0.5, alternatives=others)
        assert [producer.post("outputs/", body).status_code for _ in range(2)] == [201, 200]
    route_waiting()
    assert Item.objects.count() == 9, "what is sent again is not asked again"
    desk = Desk(cast.alice())
    desk.send("/queue/next/")
    item, token = card_in(desk.text)
    one_key_each(desk.text)

    cost: dict[str, set[int]] = {}
    seen = [item]
    presses = [{"verdict": "approve"}, {"answer": "3"}, {"alternative": "0"}, {"verdict": "reject"}] * 2
    for press in presses:
        before = desk.sent
        coming = desk.ready(item, token)
        assert desk.decide(item, token, **press) == 204
        cost.setdefault("+".join(press), set()).add(desk.sent - before)
        assert coming[0] not in seen, "nobody is shown twice what she has decided"
        (item, token), seen = coming, [*seen, coming[0]]
    assert set(map(frozenset, cost.values())) == {frozenset({2})}, "approving costs what overriding and rejecting cost"
    assert Counter(Decision.objects.values_list("verdict", flat=True)) == {"approve": 2, "override": 4, "reject": 2}
    assert not Entry.objects.filter(type="claim_released").exists()

    api = Program(system, person=cast.alice())
    last = api.take()
    assert last is not None
    assert last["item"]["id"] == item, "the card that was ready is hers at every door"
    undone = api.post(f"decisions/{Decision.objects.latest('id').pk}/undo/", {})
    assert undone.status_code == 200, "one request takes a decision back"
    assert undone.json()["item"]["id"] == seen[-2], "and its item is in her hands again, with its card"
    assert api.decide(undone.json(), verdict="approve").status_code == 200

    plain = Browser(cast.alice())
    plain.client.post("/queue/next/")
    plain.open(f"/review/{item}/")
    answer = plain.client.post(f"/review/{item}/decide/", {"token": card_in(plain.text)[1], "verdict": "approve"})
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/queue/"), "without scripts too, it leads on"


def one_key_each(html: str) -> None:
    """Every verdict and every answer has a key of its own on the card; what is optional is not in the way."""
    verdicts = re.findall(r'name="verdict" value="(approve|reject)"[^>]*data-key="([^"]+)"', html)
    assert {("approve", "a"), ("reject", "r")} <= set(verdicts)
    answers = dict(re.findall(r'name="answer" value="(\d)"[^>]*data-key="([^"]+)"', html))
    assert answers == {digit: digit for digit in "02345689"}, "7 is the AI's own, 1 stands beside its confidence"
    assert 'name="alternative" value="0" data-key="1"' in html
    assert 'data-reason-for=""' in html


@pytest.mark.django_db
def test_nobody_lets_out_what_came_before_any_policy() -> None:
    system, _ = cast.bare_system()
    producer, reviewer = Program(system), Program(system, person=cast.alice())
    producer.post("outputs/", raw("early"))
    route_waiting()
    item = Item.objects.get()
    token = reviewer.post(f"reviews/{item.pk}/claim/", {}).json()["claim"]["token"]
    refused = reviewer.post(f"reviews/{item.pk}/decide/", {"claim_token": token, "verdict": "approve"})
    assert (refused.status_code, "No policy was in force" in refused.json()["detail"]) == (409, True)
    rejected = reviewer.post(f"reviews/{item.pk}/decide/", {"claim_token": token, "verdict": "reject"})
    assert rejected.status_code == 200
