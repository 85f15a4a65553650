"""The third and the fourth promise, which rest on the log: history stands, and the error of what went out is known."""

import hashlib
import hmac
import json
import random
from collections.abc import Iterable, Mapping
from statistics import fmean
from typing import Any

import pytest
from django.conf import settings as configured
from django.db import DatabaseError, connection, transaction
from django.test import Client

from governance.models import Entry, Output, System
from governance.policies.judge import draw_of, is_drawn
from reviews.routing.waiting import route_waiting
from tests import cast
from tests.journeys.program import API, Program
from tests.reviews.desk import check_constraints
from tests.reviews.intake.sent import document, raw

pytestmark = [pytest.mark.journey]
FINAL_AT_ONCE = {**cast.POLICY["review"], "undo_seconds": 0}


# 3. History cannot be rewritten unnoticed

REWRITES = (
    "UPDATE governance_entry SET leaf = convert_to(replace(convert_from(leaf, 'UTF8'), 'approve', 'reject'), 'UTF8')",
    "UPDATE governance_entry SET at = at - interval '1 day'",
    "UPDATE governance_entry SET subject = id",
    "DELETE FROM governance_entry WHERE type = 'decided'",
    "TRUNCATE governance_entry CASCADE",
    "UPDATE reviews_decision SET verdict = 'reject'",
    "UPDATE reviews_decision SET person_id = (SELECT id FROM governance_person WHERE email = 'bob@example.org')",
    "UPDATE reviews_decision SET decided_at = decided_at - interval '1 day'",
    "DELETE FROM reviews_decision",
    "UPDATE governance_output SET status = 'rejected'",
    "UPDATE governance_policyversion SET state = 'retired'",
    "UPDATE governance_system SET risk_tier = 'minimal'",
    "UPDATE reviews_item SET state = 'open'",
)


@pytest.mark.django_db
def test_history_cannot_be_rewritten_unnoticed() -> None:
    """Today's form: whoever owns the database is refused, and a copy that differs anywhere gives itself away."""
    system = cast.system(audit={"rate": 0}, review=FINAL_AT_ONCE)
    cast.bob()
    sent = Program(system).post("outputs/", raw(confidence=0.5)).json()
    route_waiting()
    alice = Program(system, person=cast.alice())
    taken = alice.take()
    assert taken is not None
    assert alice.decide(taken, verdict="approve", comment="As written.").status_code == 200
    auditor = cast.signed_in(cast.ruth())
    witnessed = hashes_told(auditor, sent["id"])
    assert len(witnessed) > 5

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user = pg_get_userbyid(relowner) FROM pg_class WHERE relname = 'governance_entry'"
        )
        assert cursor.fetchone() == (True,), "these attempts are the owner's"
    check_constraints()
    for rewrite in REWRITES:
        refusal = pytest.raises(DatabaseError, match=r"is refused|No state without evidence")
        with refusal, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(rewrite)
    assert hashes_told(auditor, sent["id"]) == witnessed

    copied = [(bytes(e.leaf), bytes(e.leaf_hash).hex()) for e in Entry.objects.order_by("at", "id")]
    assert faults(copied, witnessed) == []
    assert {hash for _, hash in copied} >= witnessed
    for place, (leaf, hash) in enumerate(copied):
        if hash in witnessed:
            changed = leaf.replace(b'"v":1', b'"v":2')
            assert faults([*copied[:place], (changed, hash), *copied[place + 1 :]], witnessed), "a leaf was changed"
            rehashed = (changed, leaf_hash(changed))
            assert faults([*copied[:place], rehashed, *copied[place + 1 :]], witnessed), "and its hash with it"
            assert faults(copied[:place] + copied[place + 1 :], witnessed), "an entry is missing"


def hashes_told(browser: Client, output: str) -> set[str]:
    """The leaf hashes that somebody outside wrote down when she read the output's trace."""
    return {entry["leaf_hash"] for entry in browser.get(f"{API}outputs/{output}/trace/").json()["entries"]}


def leaf_hash(leaf: bytes) -> str:
    return hashlib.sha256(b"\0" + leaf).hexdigest()


def faults(entries: list[tuple[bytes, str]], witnessed: set[str]) -> list[str]:
    """What is wrong with a copy of the log, by no code of the house: hashes, chains, causes, what was seen."""
    found = [f"hash of {hash}" for leaf, hash in entries if leaf_hash(leaf) != hash]
    known, last = {hash for _, hash in entries}, dict[str, tuple[int, str | None]]()
    for leaf, hash in entries:
        said = json.loads(leaf)
        subject = said["subject"]
        if (subject["rev"] - 1, subject["prev"]) != last.get(subject["id"], (0, None)):
            found.append(f"chain of {subject['id']}")
        last[subject["id"]] = (subject["rev"], hash)
        found += [f"cause of {hash}" for cause in said["causes"] if cause not in known]
    return found + [f"{hash} is gone" for hash in witnessed - known]


# 4. The error of what was released is known, not guessed


@pytest.mark.django_db
def test_the_error_of_what_was_released_is_known_and_not_guessed() -> None:
    """A model that is silently wrong where it is sure: only the random audits know, and they say it without bias."""
    rate, dice = 0.4, random.Random(20)
    system = cast.system(threshold={"default": 0.7}, audit={"rate": rate, "hold": False}, review=FINAL_AT_ONCE)
    truths: dict[str, tuple[float, int]] = {}
    for number in range(400):
        confidence = round(dice.uniform(0.6, 1), 4)
        is_wrong = dice.random() < (0.15 if confidence > 0.9 else 0.03)
        truths[f"n{number}"] = (confidence, 1 if is_wrong else 7)
    lines = [json.dumps(document(name, confidence=confidence)) for name, (confidence, _) in truths.items()]
    producer = Program(system)
    answer = producer.post("outputs/batch/", "\n".join(lines).encode(), "application/x-ndjson")
    told = [json.loads(line) for line in b"".join(answer).splitlines()]
    assert {line["status"] for line in told} == {201}

    released = {
        line["output"]["external_id"]: line["output"] for line in told if line["output"]["status"] == "released"
    }
    assert set(released) == {name for name, (confidence, _) in truths.items() if confidence >= 0.7}
    assert_each_draw_is_logged_and_keyed(system, released, rate)
    decide_all(system, truths)

    wrong = {name for name in released if truths[name][1] != 7}
    truth = len(wrong) / len(released)
    labels = dict(Output.objects.exclude(label=None).values_list("external_id", "label"))
    audited = [name for name, output in released.items() if output["verdict"]["audit"]]
    assert {name: labels[name] for name in audited} == {name: name not in wrong for name in audited}
    assert not [name for name in released if name in labels and name not in audited], "nobody guesses the others"

    def estimate(drawn: Iterable[str]) -> float:
        """Horvitz and Thompson's: each error found stands for as many as its propensity says."""
        found = [released[name]["verdict"]["propensity"] for name in drawn if name in wrong]
        return sum(1 / propensity for propensity in found) / len(released)

    deviation = (len(wrong) * (1 / rate - 1)) ** 0.5 / len(released)
    assert abs(estimate(audited) - truth) < 5 * deviation
    keys = [dice.randbytes(32) for _ in range(600)]
    drawn = [[name for name in released if is_drawn(draw_of(key, str(system.pk), name), 400_000)] for key in keys]
    assert fmean(map(estimate, drawn)) == pytest.approx(truth, abs=5 * deviation / len(keys) ** 0.5)

    explored = cast.signed_in(cast.dana()).get(f"{API}systems/digits/tuning/").json()["exploration"]
    (row,) = [row for row in explored["curve"] if row["threshold"] == 0.7]
    assert explored["window"]["undecided"] == 0
    assert (row["released"], explored["window"]["audits"]) == (len(released), len(audited))
    assert abs(row["estimate"] - truth) < 5 * deviation
    assert row["lower_bound"] <= row["estimate"] <= row["upper_bound"]
    assert row["upper_bound"] > truth - 2 * deviation


def assert_each_draw_is_logged_and_keyed(system: System, released: Mapping[str, Any], rate: float) -> None:
    """The draw of each output is the keyed hash, computed here anew; its propensity was fixed whatever came of it."""
    version = max(configured.DRAW_KEYS)
    key = configured.DRAW_KEYS[version]
    gates = {
        said["subject"]["id"]: said["gate"]
        for said in (json.loads(bytes(entry.leaf)) for entry in Entry.objects.filter(type="judged"))
    }
    assert 90 < sum(output["verdict"]["audit"] for output in released.values()) < 230
    for name, output in released.items():
        gate = gates[output["id"]]
        draw = hmac.digest(key, f"{system.pk}\0{name}".encode(), "sha256")[:8]
        assert (gate["draw"], gate["draw_key"], gate["propensity"]) == (draw.hex(), version, int(rate * 1_000_000))
        assert output["verdict"]["propensity"] == rate
        is_audit = int.from_bytes(draw, "big") * 1_000_000 < int(rate * 1_000_000) * 2**64
        assert (output["verdict"]["audit"], gate["audit"], output["review"] is not None) == (is_audit,) * 3


def decide_all(system: System, truths: Mapping[str, tuple[float, int]]) -> None:
    """People answer everything that waits as it truly is; the audits without having seen what the AI said, and those
    that find it wrong twice."""
    while route_waiting():
        pass
    people = [Program(system, person=person) for person in (cast.alice(), cast.bob(), cast.carol())]
    while held := [(who, taken) for who in people if (taken := who.take()) is not None]:
        for who, taken in held:
            item = taken["item"]
            answer = {"digit": truths[item["external_id"]][1]}
            if item["blind"]:
                assert item["output"] is None
                said: dict[str, Any] = {"output": answer}
            elif answer == item["output"]:
                said = {"verdict": "approve"}
            else:
                said = {"verdict": "override", "output": answer, "reasons": ["wrong-label"]}
            assert who.decide(taken, **said).status_code == 200
