"""Whoever owns the database: what she can change there, and how it is found.

No trigger is switched off, as nothing in this project does. The forger takes another way that an owner has: she puts a
forged copy of a table in the place of the real one, in a database of the test's own.
"""

from contextlib import closing

import pytest
from django.db import connection
from uuid_utils.compat import uuid7

from governance.evidence import leaf, note, tiles, verification
from governance.evidence.checkpoint import Checkpoint
from governance.evidence.note import Signer
from governance.evidence.record import record
from governance.models import Entry, LogCheckpoint, OutputContent, Payload, PolicyVersion
from governance.people.actors import CONSOLE
from tests.governance.evidence import journey
from tests.governance.evidence.sealing import Sealer

COPY = {
    "governance_entry": "id, at, type, subject_kind, subject, rev, system, leaf",
    "governance_sealed": "index, entry_id, key", "governance_logtile": "level, number, hashes",
    "governance_loghead": "id, origin, size, root, edge, sealed_at", "governance_logcheckpoint": "size, root, note, at",
    "governance_logkey": "text, since, retired_at, entry_id",
}  # fmt: skip
SECOND = "(SELECT id FROM forged ORDER BY id OFFSET 20 LIMIT 1)"


def forge(table: str, *changes: str) -> None:
    """Puts a copy of the table, with these changes, in its place."""
    with closing(connection.cursor()) as cursor:
        cursor.execute(f"CREATE TABLE forged (LIKE {table} INCLUDING ALL)")
        cursor.execute(f"INSERT INTO forged ({COPY[table]}) SELECT {COPY[table]} FROM {table}")
        for change in changes:
            cursor.execute(change)
        cursor.execute(f"ALTER TABLE {table} RENAME TO kept")
        cursor.execute(f"ALTER TABLE forged RENAME TO {table}")


@pytest.fixture
def sealer(committed_db, tmp_path, settings) -> Sealer:
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    journey.run()
    sealer = Sealer(tmp_path)
    sealer.all(limit=25)
    assert verification.verify()["findings"] == []
    return sealer


def found(**how) -> set[str]:
    report = verification.verify(**how)
    return {each["rule"] for each in report["findings"]}


EDIT = "convert_to(replace(convert_from(leaf, 'UTF8'), '\"verdict\":\"approve\"', '\"verdict\":\"reject\"'), 'UTF8')"
ROWS = {
    "a row edited": (f"UPDATE forged SET leaf = {EDIT} WHERE type = 'decided'", {"tile", "root", "chain"}),
    "a column edited": (f"UPDATE forged SET type = 'undone' WHERE id = {SECOND}", {"row"}),
    "a row deleted": (f"DELETE FROM forged WHERE id = {SECOND}", {"row", "root"}),
    "a row back-dated in its column": (f"UPDATE forged SET at = at - interval '1 day' WHERE id = {SECOND}", {"row"}),
    "two rows swapped": (
        "UPDATE forged f SET leaf = o.leaf FROM (SELECT id, coalesce(lead(leaf) OVER w, lag(leaf) OVER w) AS leaf"
        " FROM (SELECT id, leaf FROM forged WHERE type = 'judged' ORDER BY id LIMIT 2) two WINDOW w AS (ORDER BY id)) o"
        " WHERE f.id = o.id",
        {"row", "root"},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("change", "rules"), ROWS.values(), ids=ROWS.keys())
def test_a_forged_row_is_found(sealer, change, rules):
    # The constraint on hashes would stop a swap half way; the forger drops it from her copy.
    forge("governance_entry", _without_unique_hashes(), change)
    assert rules <= found()


def _without_unique_hashes() -> str:
    return """DO $$ DECLARE name text; BEGIN
        FOR name IN SELECT conname FROM pg_constraint WHERE conrelid = 'forged'::regclass AND contype = 'u' LOOP
            EXECUTE format('ALTER TABLE forged DROP CONSTRAINT %I', name);
        END LOOP; END $$"""


def test_a_row_inserted_without_a_place_is_found(sealer):
    """The copy has no trigger that would let it wait for the seal."""
    made = record("tried", actor=CONSOLE, kind="key", id=uuid7())
    sealer.all()
    more = bytes(Entry.objects.get(pk=made.id).leaf).replace(str(made.id).encode(), str(uuid7()).encode())
    forge(
        "governance_entry",
        "INSERT INTO forged (id, at, type, subject_kind, subject, rev, leaf) VALUES (gen_random_uuid(), now(), 'tried',"
        f" 'key', gen_random_uuid(), 1, '\\x{more.hex()}')",
    )
    assert found() == {"place"}


def test_a_row_back_dated_through_the_front_door_is_found(sealer):
    """It is inserted as any other and even sealed: its time is what gives it away."""
    id, subject = uuid7(), uuid7()
    content = leaf.leaf_bytes({
        "v": 1, "log": sealer.origin, "id": str(id), "at": "2025-01-01T00:00:00.000000Z", "type": "tried", "causes": [],
        "actor": CONSOLE.as_json(), "subject": {"kind": "key", "id": str(subject), "rev": 1, "prev": None},
    })  # fmt: skip
    Entry.objects.create(
        id=id, at="2025-01-01T00:00:00Z", type="tried", subject_kind="key", subject=subject, rev=1, leaf=content
    )
    sealer.all()
    assert found() == {"back-dated"}


PLACES = {
    "two places swapped": (
        "UPDATE forged SET index = -1 WHERE index = 5", "UPDATE forged SET index = 5 WHERE index = 6",
        "UPDATE forged SET index = 6 WHERE index = -1",
    ),
    "a place taken away": ("DELETE FROM forged WHERE index = 7",),
    "the end cut off": ("DELETE FROM forged WHERE index > 30",),
}  # fmt: skip


@pytest.mark.parametrize("changes", PLACES.values(), ids=PLACES.keys())
def test_forged_places_are_found(sealer, changes):
    forge("governance_sealed", *changes)
    assert {"place", "root"} & found()


def test_a_forged_tile_is_found(sealer):
    for _ in range(260):
        record("tried", actor=CONSOLE, kind="key", id=uuid7())
    sealer.all()
    assert found() == set()
    forge("governance_logtile", "UPDATE forged SET hashes = decode(repeat('00', 8192), 'hex') WHERE number = 0")
    assert found() == {"tile"}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ("root = decode(repeat('00', 32), 'hex')", "root"), ("edge = overlay(edge placing '\\x00' from 3)", "tile"),
        ("size = size - 1, edge = substr(edge, 1, length(edge) - 32)", "root"),
    ],
)  # fmt: skip
def test_a_forged_head_is_found(sealer, change, rule):
    forge("governance_loghead", f"UPDATE forged SET {change}")
    assert rule in found()


def test_a_forged_checkpoint_is_found(sealer):
    forge("governance_logcheckpoint", "UPDATE forged SET note = replace(note, E'\\n25\\n', E'\\n26\\n')")
    assert found() == {"signature"}


def test_a_checkpoint_that_the_stolen_key_signed_is_found(sealer):
    forged = Checkpoint(sealer.origin, 25, bytes(32))
    signed = note.make(forged.text, sealer.signers).replace("'", "''")
    forge(
        "governance_logcheckpoint",
        f"UPDATE forged SET note = '{signed}', root = decode(repeat('00', 32), 'hex') WHERE size = 25",
    )
    assert found() == {"checkpoint"}


def test_a_forged_key_is_found(sealer):
    other = Signer.make(sealer.origin)
    forge("governance_logkey", f"UPDATE forged SET text = '{other.key}'")
    assert "signature" in found()
    assert found(trusted=sealer.keys) == set()


def test_a_changed_policy_document_is_found(sealer):
    version = PolicyVersion.objects.get(number=1)
    PolicyVersion.objects.filter(pk=version.pk).update(document=version.document.replace("0.9", "0.1"))
    assert "policy" in found()


@pytest.mark.parametrize("change", [{"content": b"another word"}, {"salt": bytes(32)}])
def test_a_changed_payload_or_salt_is_found(sealer, change):
    Payload.objects.filter(name="comment").update(**change)
    assert found() == {"commitment"}


def test_a_payload_that_went_without_an_entry_is_found(sealer):
    Payload.objects.filter(name="comment").delete()
    assert found() == {"erased"}


@pytest.mark.parametrize("change", [{"answer": '{"digit":9}'}, {"salt_key": bytes(32)}])
def test_a_changed_output_is_found(sealer, change):
    OutputContent.objects.filter(output__external_id="msg-0").update(**change)
    assert found() == {"commitment"}


def test_an_entry_taken_away_before_its_seal_leaves_a_hole_in_its_chain(sealer):
    """The sealer finds the one that waits; were that removed as well, the next of the chain tells."""
    subject = uuid7()
    first = record("tried", actor=CONSOLE, kind="key", id=subject)
    record("tried", actor=CONSOLE, kind="key", id=subject)
    forge("governance_entry", f"DELETE FROM forged WHERE id = '{first.id}'")
    with closing(connection.cursor()) as cursor:
        cursor.execute("DELETE FROM governance_pendingentry WHERE entry_id = %s", [first.id])
    assert found() == {"chain"}


def test_the_edge_of_a_shorter_log_is_not_that_of_this_one():
    with pytest.raises(ValueError, match="not the edge"):
        tiles.edge_of(5, bytes(32 * 4))


def test_there_is_one_checkpoint_more_than_nothing(sealer):
    assert LogCheckpoint.objects.count() > 1
