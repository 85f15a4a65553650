"""The log only grows, every entry waits for its seal, chains never fork, and nothing personal is in it."""

import json
import threading

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from uuid_utils.compat import uuid7

from governance.evidence import leaf
from governance.evidence.record import COLUMNS, Draft, draft, record, subject, write
from governance.models import Entry, OutputContent, Payload, PendingEntry
from governance.people.actors import CONSOLE
from tests.governance.evidence import journey


def entry_of(type: str = "tried") -> Draft:
    return record(type, actor=CONSOLE, kind="key", id=uuid7())


def run(sql: str, *arguments: object) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, arguments)


@pytest.fixture
def travelled(db, settings) -> None:
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    journey.run()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_the_database_computes_the_same_hash_as_the_program(db):
    written = entry_of()
    assert bytes(Entry.objects.get(pk=written.id).leaf_hash) == written.hash == leaf.leaf_hash(written.leaf)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE governance_entry SET type = 'other'",
        "UPDATE governance_entry SET leaf = '\\x00'",
        "UPDATE governance_entry SET at = now() WHERE rev = 1",
        "DELETE FROM governance_entry",
        "TRUNCATE governance_entry CASCADE",
        "INSERT INTO governance_entry SELECT * FROM governance_entry",
    ],
)
def test_the_log_only_grows(db, sql):
    written = entry_of()
    with pytest.raises(DatabaseError):
        run(sql)
    assert bytes(Entry.objects.get(pk=written.id).leaf) == written.leaf


def test_not_even_a_replica_session_rewrites_it(db):
    """`ENABLE ALWAYS`: a session that applies replicated changes fires these triggers too."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = 'governance_entry'::regclass AND NOT tgisinternal"
        )
        states = dict(cursor.fetchall())
    assert states == {
        "entries_only_grow": "A", "entries_are_never_emptied": "A", "entries_wait_for_the_seal": "A",
    }  # fmt: skip


def test_one_insert_for_many_entries_leaves_all_of_them_waiting_for_the_seal(db):
    drafts = [draft("tried", actor=CONSOLE, subject=subject("key", uuid7())) for _ in range(7)]
    write(drafts)
    row = f"({', '.join(['%s'] * len(COLUMNS))})"
    more = [draft("tried", actor=CONSOLE, subject=subject("key", uuid7())) for _ in range(5)]
    run(
        f"INSERT INTO governance_entry ({', '.join(COLUMNS)}) VALUES {', '.join([row] * 5)}",
        *[value for each in more for value in each.row()],
    )
    ids = {each.id for each in drafts + more}
    assert set(PendingEntry.objects.filter(entry__in=ids).values_list("entry_id", flat=True)) == ids


def test_entries_that_come_by_copy_wait_for_the_seal_too(db):
    drafts = [draft("tried", actor=CONSOLE, subject=subject("key", uuid7())) for _ in range(3)]
    with connection.cursor() as cursor, cursor.copy(f"COPY governance_entry ({', '.join(COLUMNS)}) FROM STDIN") as copy:
        for each in drafts:
            copy.write_row(each.row())
    assert PendingEntry.objects.filter(entry__in=[each.id for each in drafts]).count() == 3


def test_an_entry_that_is_rolled_back_does_not_wait_for_a_seal(db):
    with transaction.atomic():
        written = entry_of()
        transaction.set_rollback(True)
    assert not PendingEntry.objects.filter(entry=written.id).exists()


def test_two_writers_at_once_do_not_fork_a_chain(committed_db):
    id = uuid7()
    record("first", actor=CONSOLE, kind="key", id=id)
    together, refused = threading.Barrier(2), []

    def append() -> None:
        try:
            with transaction.atomic():
                last = subject("key", id)
                together.wait(10)
                write([draft("second", actor=CONSOLE, subject=last)])
        except IntegrityError as error:
            refused.append(str(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=append) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    assert "a_chain_never_forks" in refused[0]
    assert list(Entry.objects.filter(subject=id).order_by("rev").values_list("rev", flat=True)) == [1, 2]


def test_every_chain_is_whole_and_every_cause_is_there_and_came_before(travelled):
    entries = list(Entry.objects.all())
    by_hash = {bytes(entry.leaf_hash).hex(): entry for entry in entries}
    places = {(entry.subject, entry.rev): bytes(entry.leaf_hash).hex() for entry in entries}
    assert len(entries) > 40
    for entry in entries:
        said = json.loads(bytes(entry.leaf))
        assert said["subject"]["prev"] == places.get((entry.subject, entry.rev - 1)), said
        assert (said["subject"]["rev"], said["type"], said["id"]) == (entry.rev, entry.type, str(entry.pk))
        for cause in said["causes"]:
            assert by_hash[cause].pk != entry.pk


def test_every_entry_is_written_in_the_form_that_can_be_checked(travelled):
    for entry in Entry.objects.all():
        assert leaf.leaf_bytes(json.loads(bytes(entry.leaf))) == bytes(entry.leaf)
    assert PendingEntry.objects.count() == Entry.objects.count()


def test_what_an_output_holds_verifies_against_its_entry_with_the_salts_derived_from_its_key(travelled):
    for content in OutputContent.objects.all():
        said = json.loads(bytes(Entry.objects.get(subject=content.output_id, type="judged").leaf))
        texts = {
            "input": content.input, "output": content.answer, "context": content.context,
            "gate_inputs": content.gate_inputs,
        }  # fmt: skip
        assert {part["name"] for part in said["commitments"]} == set(texts)
        for part in said["commitments"]:
            salt = leaf.salt_for(bytes(content.salt_key), part["name"])
            assert leaf.commit(salt, part["name"], texts[part["name"]].encode()) == part["digest"]
            assert part["len"] == len(texts[part["name"]].encode())


def test_what_people_wrote_verifies_against_the_entries_that_commit_to_it(travelled):
    payloads = list(Payload.objects.select_related("entry"))
    assert {"comment", "output", "reason", "because"} <= {payload.name for payload in payloads}
    for payload in payloads:
        parts = {part["name"]: part for part in json.loads(bytes(payload.entry.leaf))["commitments"]}
        digest = leaf.commit(bytes(payload.salt), payload.name, bytes(payload.content))
        assert digest == parts[payload.name]["digest"]


def test_what_is_erased_leaves_its_entry_and_the_proof_as_they_were(travelled):
    payload = Payload.objects.filter(name="comment").first()
    before = Entry.objects.get(pk=payload.entry_id)
    payload.delete()
    after = Entry.objects.get(pk=before.pk)
    assert bytes(after.leaf) == bytes(before.leaf)
    assert bytes(after.leaf_hash) == leaf.leaf_hash(bytes(after.leaf))
    assert "comment" in [part["name"] for part in json.loads(bytes(after.leaf))["commitments"]]


def test_nothing_that_people_or_the_ai_wrote_is_in_the_log(travelled):
    log = [bytes(entry.leaf).decode().lower() for entry in Entry.objects.all()]
    assert [planted for planted in journey.PLANTED if any(planted.lower() in leaf for leaf in log)] == []


def test_the_planted_words_did_travel(travelled):
    """Else their absence from the log would prove nothing."""
    kept = " ".join(
        [bytes(payload.content).decode() for payload in Payload.objects.all()]
        + [f"{content.input} {content.answer} {content.context}" for content in OutputContent.objects.all()]
    )
    assert [planted for planted in journey.PLANTED if planted not in kept] == []
