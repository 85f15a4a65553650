"""Reading the two blocks of a policy that are about waiting: where items go, and what happens when they are late."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Literal, cast

from governance.contracts.reading import Reading, join
from governance.policies import fields
from governance.policies.conditions import Condition
from governance.policies.documentcalendar import read_calendar
from governance.policies.policy import Breach, Destination, Queue, Routing, RoutingRule, ServiceLevel

ReadCondition = Callable[[dict[str, Any], str], Condition | None]
_QUEUE = ("mode", "capacity", "escalates_to", "calendar", "affinity")
_LONGEST_WEEKS = 260
_DESTINATION = ("queue", "skills", "priority", "reviewers")


def read_routing(reading: Reading, data: Any, at: str, condition: ReadCondition) -> Routing:
    """The routing block. A queue that only `escalates_to` names is a pull queue; any other unknown queue is refused."""
    data = reading.mapping(data, at, allowed=("default", "rules", "queues"))
    queues = _queues(reading, data, at)
    default_at = join(at, "default")
    default = reading.mapping(data.get("default", {"queue": "general"}), default_at, allowed=_DESTINATION)
    known = {queue.name for queue in queues}
    named = "queues" in data
    to = _destination(reading, default, default_at, known if named else None)
    rules: list[RoutingRule] = []
    for index, item in enumerate(reading.sequence(data, "rules", at, most=200)):
        here = join(join(at, "rules"), index)
        part = reading.mapping(item, here, allowed=("id", "when", *_DESTINATION), required=("id", "when", "queue"))
        name = reading.slug(part, "id", here)
        if name and (name == "default" or name in {rule.id for rule in rules}):
            reading.wrong(join(here, "id"), "duplicate", f"{name} is used twice.")
        when = condition(part, here)
        destination = _destination(reading, part, here, known if named else None)
        if when is not None:
            rules.append(RoutingRule(name, when, destination))
    if not named:
        queues = tuple(Queue(name) for name in sorted({to.queue, *(rule.to.queue for rule in rules)}))
    return Routing(to, tuple(rules), queues)


def _destination(reading: Reading, data: dict[str, Any], at: str, known: set[str] | None) -> Destination:
    usual = Destination()
    queue = reading.slug(data, "queue", at, default=usual.queue)
    if known is not None and queue not in known:
        reading.wrong(join(at, "queue"), "unknown-queue", f"There is no queue {queue} under queues.")
    return Destination(
        queue,
        reading.slugs(data, "skills", at),
        reading.integer(data, "priority", at, default=usual.priority, least=0, most=100),
        reading.integer(data, "reviewers", at, default=usual.reviewers, least=1, most=2),
    )


def _queues(reading: Reading, data: dict[str, Any], at: str) -> tuple[Queue, ...]:
    place = join(at, "queues")
    block = data.get("queues", {})
    if not isinstance(block, dict):
        reading.wrong(place, "wrong-type", "This must be a mapping from a queue's name to its settings.")
        return ()
    queues: dict[str, Queue] = {}
    for name, item in block.items():
        here = join(place, str(name))
        reading.slug({"name": name}, "name", here)
        part = reading.mapping({} if item is None else item, here, allowed=_QUEUE)
        queues[name] = Queue(
            name,
            cast(
                Literal["pull", "assign"], reading.choice(part, "mode", here, among=("pull", "assign"), default="pull")
            ),
            reading.integer(part, "capacity", here, default=Queue("").capacity, least=1, most=1000),
            reading.slug(part, "escalates_to", here) or None,
            read_calendar(reading, part["calendar"], join(here, "calendar")) if "calendar" in part else None,
            _affinity(reading, part, here),
        )
    for queue in tuple(queues.values()):
        if queue.escalates_to and queue.escalates_to not in queues:
            queues[queue.escalates_to] = Queue(queue.escalates_to)
    for name in queues:
        if _returns(name, queues):
            reading.wrong(
                join(join(place, str(name)), "escalates_to"),
                "contradiction",
                "Escalating from here would come back here.",
            )
    # By name: a document that went through a store comes back with its keys in another order.
    return tuple(queues[name] for name in sorted(queues))


def _affinity(reading: Reading, data: dict[str, Any], at: str) -> str | None:
    if "affinity" not in data:
        return None
    try:
        return fields.parse(data["affinity"]).name
    except ValueError as error:
        reading.wrong(join(at, "affinity"), "unknown-field", str(error))
        return None


def _returns(start: str, queues: dict[str, Queue]) -> bool:
    seen: set[str] = set()
    name = queues[start].escalates_to
    while name is not None and name not in seen:
        if name == start:
            return True
        seen.add(name)
        name = queues[name].escalates_to
    return False


def read_service_level(
    reading: Reading, data: Any, at: str, risk_tier: str, queues: tuple[Queue, ...] = ()
) -> ServiceLevel:
    """The service level block; the steps climb, and nothing follows the one that resolves.

    A length that no calendar of the queues gets through in five years is refused.
    """
    data = reading.mapping(data, at, allowed=("due_in", "on_breach"))
    due_in = reading.length(data, "due_in", at, default=ServiceLevel().due_in)
    if due_in <= timedelta(0):
        reading.wrong(join(at, "due_in"), "out-of-range", "This must be longer than nothing.")
    steps: list[Breach] = []
    for index, item in enumerate(reading.sequence(data, "on_breach", at, most=20)):
        here = join(join(at, "on_breach"), index)
        step = _step(reading, item, here, risk_tier)
        if steps and steps[-1].do == "resolve":
            reading.wrong(here, "contradiction", "Nothing can follow the step that resolves.")
        elif steps and step.after < steps[-1].after:
            reading.wrong(join(here, "after"), "contradiction", "The steps must be in the order of time.")
        steps.append(step)
    whole = due_in + (steps[-1].after if steps else timedelta(0))
    for queue in queues:
        if queue.calendar and whole / queue.calendar.weekly > _LONGEST_WEEKS:
            said = f"Queue {queue.name} works too little for this: it would take years."
            reading.wrong(join(at, "due_in"), "out-of-range", said)
    return ServiceLevel(due_in, tuple(steps))


def _step(reading: Reading, item: Any, at: str, risk_tier: str) -> Breach:
    part = reading.mapping(item, at, allowed=("after", "do", "as"), required=("after", "do"))
    after = reading.length(part, "after", at, default=timedelta(0))
    do = reading.choice(part, "do", at, among=("remind", "raise", "escalate", "resolve"), default="remind")
    if do != "resolve":
        if "as" in part:
            reading.wrong(join(at, "as"), "contradiction", "Only a step that resolves says as what.")
        return Breach(after, cast(Literal["remind", "raise", "escalate"], do))
    if "as" not in part:
        reading.wrong(join(at, "as"), "missing-key", "This is missing: resolve as reject or release.")
    ends = reading.choice(part, "as", at, among=("reject", "release"), default="reject")
    if ends == "release" and risk_tier == "high":
        reading.wrong(join(at, "as"), "contradiction", "On a high-risk system nothing is released because it is late.")
    return Breach(after, "resolve", cast(Literal["reject", "release"], ends))
