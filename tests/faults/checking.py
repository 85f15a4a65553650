"""What has to be true once the faults are over: nothing lost, nothing twice, nothing stuck, nothing without proof."""

from __future__ import annotations

import json
import time
from typing import Any, Final

import psycopg

from tests.faults.load import History
from tests.faults.receiver import Receiver
from tests.faults.site import Site

DUE_SECONDS, FALLBACK_SECONDS, GRACE_SECONDS = 20, 5, 60
PATIENCE: Final = DUE_SECONDS + FALLBACK_SECONDS + GRACE_SECONDS
TOLD_WITHIN: Final = 240  # the third attempt comes two minutes after the second

_MINE: Final = "external_id LIKE %(prefix)s"
_OPEN: Final = f"SELECT count(*) FROM governance_output WHERE {_MINE} AND status = 'in_review'"
_TELLING: Final = f"""
SELECT count(*) FROM reviews_delivery d JOIN governance_output o ON o.id = d.output_id
WHERE o.{_MINE} AND d.next_attempt_at IS NOT NULL
"""
# Each answers with the rows that break its rule.
RULES: Final = {
    "two decisions stand on one seat": f"""
        SELECT o.external_id FROM reviews_decision d JOIN governance_output o ON o.id = d.output_id
        WHERE o.{_MINE} AND d.undone_at IS NULL GROUP BY o.external_id, d.item_id, d.seat HAVING count(*) > 1""",
    "the decision in force does not stand": f"""
        SELECT o.external_id FROM governance_output o WHERE o.{_MINE} AND o.resolved_by = 'person'
        AND NOT EXISTS (SELECT FROM reviews_decision d WHERE d.id = o.decision AND d.undone_at IS NULL)""",
    "resolved without its entry": f"""
        SELECT o.external_id FROM governance_output o
        WHERE o.{_MINE} AND NOT EXISTS (
            SELECT FROM governance_entry e WHERE e.subject = o.id AND e.type =
                CASE o.resolved_by WHEN 'person' THEN 'decided' WHEN 'fallback' THEN 'resolved' ELSE 'judged' END)""",
    "a chain with a gap": f"""
        SELECT o.external_id FROM governance_output o JOIN governance_entry e ON e.subject = o.id
        WHERE o.{_MINE} GROUP BY o.id, o.external_id HAVING count(*) <> max(e.rev)""",
    "the row names another entry than its newest": f"""
        SELECT o.external_id FROM governance_output o JOIN governance_entry e ON e.id = o.entry_id
        WHERE o.{_MINE} AND e.subject = o.id AND e.rev < (
            SELECT max(x.rev) FROM governance_entry x WHERE x.subject = o.id)""",
    "released without a verdict": f"""
        SELECT o.external_id FROM governance_output o WHERE o.{_MINE} AND o.status = 'released'
        AND (o.lane <> 'release' OR o.policy_id IS NULL)""",
    "an item open although its output is resolved": f"""
        SELECT o.external_id FROM reviews_item i JOIN governance_output o ON o.id = i.output_id
        WHERE o.{_MINE} AND i.state <> 'closed' AND i.purpose = 'review' AND o.status <> 'in_review'""",
    "a step of the ladder missed by a minute": f"""
        SELECT o.external_id FROM reviews_item i JOIN governance_output o ON o.id = i.output_id
        WHERE o.{_MINE} AND i.state <> 'closed' AND i.next_step_at < clock_timestamp() - interval '60 s'""",
    "resolved and nobody to be told": f"""
        SELECT o.external_id FROM governance_output o WHERE o.{_MINE} AND o.resolved_by IN ('person', 'fallback')
        AND NOT EXISTS (SELECT FROM reviews_delivery d WHERE d.output_id = o.id AND d.delivered_at IS NOT NULL)""",
    "told twice under two ids": f"""
        SELECT o.external_id FROM reviews_delivery d JOIN governance_output o ON o.id = d.output_id
        WHERE o.{_MINE} AND d.event = 'output.resolved' AND d.cancelled_at IS NULL GROUP BY 1 HAVING count(*) > 1""",
}


def check(site: Site, seed: int, history: History, receiver: Receiver, *, must_end: bool = True) -> list[str]:
    """What is wrong after a seed, in sentences; nothing when all is well. `must_end`: nothing may wait for people."""
    asked = {"prefix": f"s{seed}-%"}
    problems: list[str] = []
    if must_end and _wait(site, _OPEN, asked, PATIENCE):
        problems.append(f"stuck: {_count(site, _OPEN, asked)} outputs have no outcome {PATIENCE} s after the faults")
    if _wait(site, _TELLING, asked, TOLD_WITHIN):
        problems.append(f"untold: {_count(site, _TELLING, asked)} messages wait {TOLD_WITHIN} s after the faults")
    with site.database() as link:
        known = dict(
            link.execute(f"SELECT external_id, id::text FROM governance_output WHERE {_MINE}", asked).fetchall()
        )
        for name, id in history.intakes.items():
            if id is not None and known.get(name) != id:
                problems.append(f"lost: {name} was acknowledged as {id} and is {known.get(name)}")
        decided = {str(row[0]) for row in link.execute("SELECT id FROM reviews_decision").fetchall()}
        problems += [f"lost: decision {id} was acknowledged" for id in history.decisions if id not in decided]
        for rule, statement in RULES.items():
            broken = [row[0] for row in link.execute(statement, asked).fetchall()]
            problems += [f"{rule}: {', '.join(broken[:5])} ({len(broken)})"] if broken else []
        problems += _untold(link, asked, receiver)
    return problems


def verify(site: Site) -> tuple[str, list[str]]:
    """What `verify_evidence` says in a sentence, and what is wrong with the log. Wrong clocks excuse nothing: whatever
    is dated is dated by PostgreSQL's, which nobody sets here."""
    report = json.loads(site.command("verify_evidence", "--json", fails=True))
    findings = report["findings"]
    wrong = [f"{each['rule']}: {each['where']}: {each['says']}" for each in findings[:20]]
    return f"Evidence: {report['entries']:,} entries, {len(findings)} findings.", wrong


def _untold(link: psycopg.Connection[Any], asked: dict[str, str], receiver: Receiver) -> list[str]:
    """Deliveries that are written down as made and that the receiver never got, or got with another outcome."""
    rows = link.execute(
        f"""SELECT d.id::text, o.external_id, o.status FROM reviews_delivery d
        JOIN governance_output o ON o.id = d.output_id WHERE o.{_MINE} AND d.delivered_at IS NOT NULL""",
        asked,
    ).fetchall()
    wrong = []
    for id, name, status in rows:
        taken = receiver.taken.get(id)
        if taken is None:
            wrong.append(f"lost: {name} is delivered, and nobody got it")
        elif taken["data"]["status"] != status:
            wrong.append(f"wrong: {name} was told {taken['data']['status']} and is {status}")
    return wrong


def _wait(site: Site, statement: str, asked: dict[str, str], seconds: float) -> bool:
    """Whether something is still left after so long."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        site.look_after()
        if not _count(site, statement, asked):
            return False
        time.sleep(1)
    return True


def _count(site: Site, statement: str, asked: dict[str, str]) -> int:
    try:
        with site.database() as link:
            row = link.execute(statement, asked).fetchone()
            return int(row[0]) if row else 0
    except psycopg.OperationalError:
        return 1  # not up yet
