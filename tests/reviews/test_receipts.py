"""The receipt of an output: its hash with the first answer, its proof when it is sealed, checked without us."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.evidence import log, merkle
from governance.models import Entry, Output, Person, System
from reviews import queue
from reviews.decisions import decide, supersede
from reviews.delivery import messages
from reviews.models import Decision, Delivery, Item
from tests import cast
from tests.governance.evidence import journey
from tests.governance.evidence.sealing import Sealer
from tests.reviews.desk import desk
from tests.reviews.intake.sent import raw
from tests.reviews.routing.late import climb, ends, pass_time

PROJECT = Path(__file__).resolve().parents[2]
URL = "/api/v1/outputs/"


@pytest.fixture
def system(db: None) -> System:
    return cast.system(audit={"rate": 0})


@pytest.fixture
def sealer(tmp_path: Path) -> Sealer:
    return Sealer(tmp_path / "sealer")


class Producer:
    def __init__(self, system: System) -> None:
        self.headers, self.client = cast.bearer(cast.key_for(system)), Client()

    def send(self, external_id: str = "msg-1") -> dict[str, Any]:
        body = raw(external_id, confidence=0.95)
        return self.client.post(URL, body, content_type="application/json", headers=self.headers).json()

    def send_many(self, *names: str) -> list[dict[str, Any]]:
        body = b"\n".join(raw(name) for name in names)
        answer = self.client.post(f"{URL}batch/", body, content_type="application/x-ndjson", headers=self.headers)
        return [json.loads(line) for line in answer.getvalue().splitlines()]

    def get(self, id: str) -> dict[str, Any]:
        return self.client.get(f"{URL}{id}/", headers=self.headers).json()


def checked(answer: Any, folder: Path, keys: Any, *more: str) -> subprocess.CompletedProcess[str]:
    """The verifier on a file with this answer: a process that can reach neither settings nor database."""
    (folder / "answer.json").write_text(json.dumps(answer))
    (folder / "trusted").write_text("\n".join(str(key) for key in keys))
    trust = ["--trust", str(folder / "trusted")] if keys else []
    return subprocess.run(
        [sys.executable, "-m", "governance.evidence.verifier", "receipt", str(folder / "answer.json"), *trust, *more],
        cwd=PROJECT, capture_output=True, text=True, timeout=60,
        env={"PATH": os.environ["PATH"]},
    )  # fmt: skip


def test_the_first_answer_names_the_entry_by_its_hash(system: System) -> None:
    receipt = Producer(system).send()["receipt"]
    entry = Entry.objects.get(type="judged")
    assert receipt == {"entry": str(entry.pk), "leaf_hash": bytes(entry.leaf_hash).hex(), "proof": None}


def test_every_line_of_a_batch_has_its_hash_and_a_repeat_has_the_same(system: System) -> None:
    producer = Producer(system)
    lines = producer.send_many("a", "b", "c")
    hashes = {bytes(hash).hex() for hash in Entry.objects.filter(type="judged").values_list("leaf_hash", flat=True)}
    assert {line["output"]["receipt"]["leaf_hash"] for line in lines} == hashes
    again = producer.send_many("a", "b", "c")
    assert [line["status"] for line in again] == [200, 200, 200]
    assert [line["output"]["receipt"] for line in again] == [line["output"]["receipt"] for line in lines]


def test_a_batch_asks_no_more_for_ten_receipts_than_for_two(system: System) -> None:
    producer = Producer(system)
    producer.send_many("first")  # compiles the policy

    def queries(*names: str) -> int:
        with CaptureQueriesContext(connection) as seen:
            producer.send_many(*names)
        return len(seen)

    two, ten = [f"two-{n}" for n in range(2)], [f"ten-{n}" for n in range(10)]
    assert queries(*two) == queries(*ten)
    assert queries(*two) == queries(*ten)  # the same once more, as repeats


def test_a_sealed_receipt_is_verified_with_nothing_but_the_trusted_key(
    system: System, sealer: Sealer, tmp_path: Path
) -> None:
    producer = Producer(system)
    sent = producer.send()
    pending = checked(sent, tmp_path, sealer.keys)
    assert (pending.returncode, "not sealed yet" in pending.stdout) == (2, True)
    sealer.all()
    told = producer.get(sent["id"])
    assert told["receipt"]["leaf_hash"] == sent["receipt"]["leaf_hash"]
    done = checked(told, tmp_path, sealer.keys)
    assert done.returncode == 0, done.stdout + done.stderr
    assert sent["receipt"]["leaf_hash"] in done.stdout
    assert checked(told["receipt"], tmp_path, sealer.keys).returncode == 0  # the receipt alone will do
    assert checked(told, tmp_path, []).returncode == 2


def test_a_receipt_that_was_tampered_with_does_not_verify(system: System, sealer: Sealer, tmp_path: Path) -> None:
    producer = Producer(system)
    one, other = producer.send("one"), producer.send("other")
    sealer.all()
    one, other = producer.get(one["id"])["receipt"], producer.get(other["id"])["receipt"]
    exchanged = one | {"proof": other["proof"]}
    moved = one | {"proof": re.sub(r"(?<=\nindex )\d+", "0", one["proof"])}
    stranger = Sealer(tmp_path / "stranger")
    for receipt, keys in ((exchanged, sealer.keys), (moved, sealer.keys), (one, stranger.keys)):
        answer = checked(receipt, tmp_path, keys)
        assert (answer.returncode, answer.stdout[:15]) == (1, "DOES NOT VERIFY")
    for nonsense in ([], {"receipt": 3}, {"leaf_hash": "zz", "proof": "x"}):
        assert checked(nonsense, tmp_path, sealer.keys).returncode == 3
    (tmp_path / "odd").write_text("not a key")
    assert checked(one, tmp_path, [], "--trust", str(tmp_path / "odd")).returncode == 3


def decided(item: Item, who: Person, **said: Any) -> None:
    actor = cast.acting(who)
    decide(actor, item=item.pk, token=queue.claim_item(actor, item.pk).token, **said)


def final(item: Item) -> None:
    """As though the time in which a decision can be undone were over."""
    Output.objects.filter(pk=item.output_id).update(final_at=Now() - timedelta(seconds=1))
    Decision.objects.filter(item=item).update(final_at=Now() - timedelta(seconds=1))


def by_one(item: Item) -> str:
    decided(item, cast.alice(), verdict="approve")
    return "decided"


def by_two(item: Item) -> str:
    decided(item, cast.alice(), verdict="approve")
    decided(item, cast.bob(), verdict="approve")
    return "decided"


def by_adjudication(item: Item) -> str:
    decided(item, cast.alice(), verdict="approve")
    decided(item, cast.bob(), verdict="reject")
    decided(item, cast.carol(), verdict="reject")
    return "decided"


def by_superseding(item: Item) -> str:
    by_one(item)
    final(item)
    supersede(cast.acting(cast.carol()), decision=Decision.objects.get().pk, verdict="reject")
    return "superseded"


def by_fallback(item: Item) -> str:
    pass_time(item, timedelta(hours=5))
    assert climb() == 1
    return "resolved"


PAIR = {"default": {"queue": "general", "reviewers": 2}}
ENDS: Any = {
    "one person": ({}, by_one), "two people": ({"routing": PAIR}, by_two),
    "an adjudication": ({"routing": PAIR}, by_adjudication), "a later decision": ({}, by_superseding),
    "nobody in time": ({"sla": ends("reject")}, by_fallback),
}  # fmt: skip


@pytest.mark.parametrize(("blocks", "end"), ENDS.values(), ids=ENDS.keys())
def test_a_resolution_has_a_receipt_of_the_entry_that_made_it(
    db: None, sealer: Sealer, tmp_path: Path, blocks: Any, end: Callable[[Item], str]
) -> None:
    system = cast.system(review={"undo_seconds": 8}, **blocks)
    (item,) = desk(system)
    producer = Producer(system)
    assert producer.get(item.output_id)["resolution"] is None
    type = end(item)
    final(item)
    made = Entry.objects.filter(subject=item.output_id, type=type).latest("rev")
    told = producer.get(item.output_id)
    receipt = told["resolution"]["receipt"]
    assert receipt == {"entry": str(made.pk), "leaf_hash": bytes(made.leaf_hash).hex(), "proof": None}
    assert receipt["leaf_hash"] != told["receipt"]["leaf_hash"]
    assert checked(told, tmp_path, sealer.keys).returncode == 2
    sealer.all()
    told = producer.get(item.output_id)
    both = checked(told, tmp_path, sealer.keys)
    assert both.returncode == 0, both.stdout + both.stderr
    assert both.stdout.count("VERIFIED") == 2
    assert receipt["leaf_hash"] in both.stdout


def test_what_policy_resolved_has_the_receipt_of_its_verdict(system: System) -> None:
    producer = Producer(system)
    told = producer.send()
    assert told["status"] == "released"
    assert told["resolution"]["receipt"] == told["receipt"]
    assert producer.get(told["id"])["resolution"]["receipt"] == told["receipt"]


def test_a_forged_receipt_of_a_resolution_does_not_verify(system: System, sealer: Sealer, tmp_path: Path) -> None:
    producer = Producer(system)
    one, other = producer.send("one"), producer.send("other")
    sealer.all()
    one, other = producer.get(one["id"]), producer.get(other["id"])
    one["resolution"]["receipt"] = other["receipt"] | {"proof": one["receipt"]["proof"]}
    assert checked(one, tmp_path, sealer.keys).returncode == 1


def test_a_webhook_brings_the_proof(db: None, settings: Any, sealer: Sealer, tmp_path: Path) -> None:
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    journey.run()
    sealer.all()
    delivery = Delivery.objects.filter(event="output.resolved").latest("created_at")
    body = json.loads(messages.message(delivery).body)
    assert checked(body, tmp_path, sealer.keys).returncode == 0
    entry = Entry.objects.get(pk=body["data"]["receipt"]["entry"])
    assert (entry.type, entry.subject) == ("judged", delivery.output_id)
    resolved = body["data"]["resolution"]["receipt"]
    assert Entry.objects.get(pk=resolved["entry"]).type in ("decided", "superseded", "resolved")
    assert "proof" in resolved["proof"]


def test_a_receipt_tells_nothing_that_the_reader_may_not_know(db: None, sealer: Sealer) -> None:
    """A hash of an entry with salted commitments in it cannot be guessed at, and there is one with every output."""
    system = cast.system(audit={"rate": 1, "hold": False})
    told = Producer(system).send()
    assert (told["status"], told["verdict"]["audit"], set(told["receipt"])) == (
        "released", None, {"entry", "leaf_hash", "proof"},
    )  # fmt: skip


def test_a_proof_costs_a_query_and_one_for_each_level_of_full_tiles(system: System, sealer: Sealer) -> None:
    producer = Producer(system)
    for start in range(0, 600, 200):
        producer.send_many(*[f"n-{n}" for n in range(start, start + 200)])
    sealer.all()
    ids = dict(Output.objects.values_list("external_id", "entry_id"))
    head = log.head()
    assert head is not None
    for name in ("n-0", "n-300", "n-599"):
        entry = Entry.objects.get(pk=ids[name])
        with CaptureQueriesContext(connection) as seen:
            proof = log.prove(entry.pk)
        assert proof is not None
        assert len(seen) <= 3
        assert merkle.includes(bytes(entry.leaf_hash), proof.index, head.size, proof.path, head.root)
