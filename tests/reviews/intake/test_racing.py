"""Two at once: real threads, real commits."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from governance.models import Entry, Output
from governance.people.actors import CONSOLE
from governance.refusals import Refused
from reviews import intake
from reviews.models import Item
from tests import cast
from tests.reviews.intake.sent import body


def side_by_side(calls: list[Callable[[], Any]]) -> list[Any]:
    """What each call returned; all begin at the same moment, each with a connection of its own."""
    start, results, failures = threading.Barrier(len(calls)), [None] * len(calls), []

    def run(place: int) -> None:
        try:
            start.wait()
            results[place] = calls[place]()
        except BaseException as error:  # noqa: BLE001  it is raised again below
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for failure in failures:
        raise failure
    return results


def codes(results: list[Any]) -> list[str]:
    return sorted(r.code if isinstance(r, Refused) else "new" if r.is_new else "repeat" for r in results)


@pytest.mark.usefixtures("committed_db")
def test_of_two_with_the_same_body_one_is_new_and_one_is_a_repeat() -> None:
    system = cast.system()
    for number in range(20):
        one = body(f"n{number}", confidence=0.5)
        results = side_by_side([lambda one=one: intake.accept([one], system=system, actor=CONSOLE)[0]] * 2)
        assert codes(results) == ["new", "repeat"]
        assert len({result.id for result in results}) == 1
    assert Output.objects.count() == Item.objects.count() == Entry.objects.filter(type="judged").count() == 20


@pytest.mark.usefixtures("committed_db")
def test_of_two_with_different_bodies_one_is_new_and_one_is_refused() -> None:
    system = cast.system()
    for number in range(10):
        bodies = [body(f"n{number}", confidence=share) for share in (0.1, 0.2)]
        results = side_by_side([lambda b=b: intake.accept([b], system=system, actor=CONSOLE)[0] for b in bodies])
        assert codes(results) == ["conflict", "new"]


@pytest.mark.usefixtures("committed_db")
def test_batches_with_the_same_lines_in_another_order_take_each_line_once() -> None:
    system = cast.system()
    bodies = [body(f"n{number}", confidence=number % 100 / 100) for number in range(2_000)]
    orders = [bodies, bodies[::-1], bodies[1_000:] + bodies[:1_000], bodies[::2] + bodies[1::2]]
    found = side_by_side([lambda o=o: intake.accept(o, system=system, actor=CONSOLE) for o in orders])
    outcomes = codes([result for results in found for result in results])
    assert (outcomes.count("new"), outcomes.count("repeat")) == (2_000, 6_000)
    assert Output.objects.count() == Entry.objects.filter(type="judged").count() == 2_000


@pytest.mark.usefixtures("committed_db")
def test_no_output_is_judged_by_a_policy_that_was_replaced_before_it_was_written() -> None:
    """Evidence: the activation precedes every verdict that names it, and no verdict of the version before follows."""
    system = cast.system(threshold={"default": 0.5}, audit={"rate": 0})
    stop = threading.Event()

    def produce() -> list[Any]:
        taken, number = [], 0
        while not stop.is_set():
            number += 1
            taken += intake.accept([body(f"p{number}", confidence=0.6)], system=system, actor=CONSOLE)
        return taken

    def replace() -> Any:
        version = cast.put_in_force(system, cast.policy(threshold={"default": 0.9}, audit={"rate": 0}))
        after = intake.accept([body("after", confidence=0.6)], system=system, actor=CONSOLE)
        stop.set()
        return version, after[0]

    _, (version, after) = side_by_side([produce, replace])
    assert Output.objects.get(pk=after.id).lane == "review"
    rows = list(Output.objects.exclude(pk=after.id).order_by("pk").values_list("policy_id", "lane"))
    by_new = [policy == version.pk for policy, _ in rows]
    assert by_new == sorted(by_new), "once the new version judges, the old one never does again"
    assert {lane for policy, lane in rows if policy == version.pk} <= {"review"}
