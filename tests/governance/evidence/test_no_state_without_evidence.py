"""No state without evidence: whoever forgets the entry, the database refuses the change. For every rule there is."""

import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.migrations import RunSQL
from uuid_utils.compat import uuid7

import governance.migrations
import reviews.migrations
from governance.evidence.record import record
from governance.people.actors import CONSOLE
from reviews.quality import known_answers
from tests import cast
from tests.governance.evidence import journey
from tests.reviews.quality.test_known_answers import PAIRED, REVIEW, an_error

_TRIGGER = re.compile(r"CREATE TRIGGER (\w+)_needs_entry BEFORE UPDATE ON (\w+)")


def _written() -> Iterator[str]:
    """The SQL that the migrations of both apps run."""
    for app in (governance.migrations, reviews.migrations):
        for module in pkgutil.iter_modules(app.__path__, f"{app.__name__}."):
            for step in import_module(module.name).Migration.operations:
                if isinstance(step, RunSQL):
                    yield str(step.sql)


RULES = sorted({(table, column) for sql in _written() for column, table in _TRIGGER.findall(sql)})

# What a change looks like, where it is not simply another moment.
CHANGES = {
    ("governance_output", "status"): "status = CASE status WHEN 'rejected' THEN 'approved' ELSE 'rejected' END",
    ("governance_output", "correction"): "correction = gen_random_uuid()",
    ("governance_policyversion", "state"): "state = 'declined'",
    ("governance_policyversion", "is_approved"): "is_approved = NOT is_approved",
    ("governance_system", "in_force_id"): "in_force_id = NULL",
    ("governance_system", "risk_tier"): "risk_tier = 'high'",
    ("governance_person", "unwanted_mails"): "unwanted_mails = '{item.late}'",
    ("governance_person", "is_active"): "is_active = NOT is_active",
    ("governance_apikey", "scopes"): "scopes = '{outputs:read}'",
    ("governance_certificate", "state"): "state = state || '!'",
    ("governance_system", "halt_id"): "halt_id = (SELECT id FROM governance_halt LIMIT 1)",
    ("governance_example", "dropped_at"): "dropped_at = now()",
    ("governance_tierchange", "state"): "state = 'declined'",
    ("governance_modelversion", "is_admitted"): (
        "is_admitted = NOT is_admitted, admission_id = entry_id,"
        " admitted_by_id = (SELECT id FROM governance_person LIMIT 1)"
    ),
    ("governance_incident", "state"): "state = 'open'",
    ("governance_knownanswer", "found"): "found = NOT coalesce(found, false)",
    ("governance_presence", "hours"): "hours = '[]'",
    ("governance_presence", "zone"): "zone = 'Europe/Berlin'",
    ("reviews_item", "priority"): "priority = priority + 1",
    ("reviews_seat", "assigned_to_id"): "assigned_to_id = (SELECT id FROM governance_person ORDER BY id DESC LIMIT 1)",
    ("reviews_queue", "moves_to_id"): "moves_to_id = (SELECT id FROM reviews_queue ORDER BY id LIMIT 1)",
    ("reviews_capacity", "most"): "most = most + 1",
    ("reviews_item", "state"): "state = CASE state WHEN 'closed' THEN 'open' ELSE 'closed' END",
    (
        "reviews_item",
        "queue_id",
    ): "queue_id = CASE WHEN queue_id IS NULL THEN (SELECT id FROM reviews_queue LIMIT 1) END",
    ("reviews_seat", "claim_token"): (
        "claim_token = gen_random_uuid(), is_soft = false, claim_expires_at = now(),"
        " claimed_by_id = (SELECT id FROM governance_person LIMIT 1)"
    ),
    ("reviews_endpoint", "url"): "url = url || '/elsewhere'",
    ("reviews_endpoint", "events"): "events = '{output.corrected}'",
    ("reviews_endpoint", "secret"): "secret = 'whsec_AAAA'",
}

KEYS = {"governance_presence": "person_id", "reviews_shown": "person_id"}


@pytest.fixture
def travelled(db, settings) -> None:
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    journey.run()
    another = cast.system("letters", review=REVIEW, routing=PAIRED)
    an_error(another)
    assert known_answers.seed_due() == 1


def update(table: str, change: str) -> int:
    """One row changed by plain SQL; how many that were."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        key = KEYS.get(table, "id")
        cursor.execute(f"UPDATE {table} SET {change} WHERE {key} = (SELECT {key} FROM {table} ORDER BY 1 DESC LIMIT 1)")
        return cursor.rowcount


def test_every_rule_is_switched_on_in_the_database(db):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, replace(t.tgname, '_needs_entry', '') FROM pg_trigger t"
            " JOIN pg_class c ON c.oid = t.tgrelid WHERE t.tgname LIKE '%\\_needs\\_entry' AND t.tgenabled <> 'D'"
        )
        assert sorted(cursor.fetchall()) == RULES


def test_every_table_that_has_a_state_refuses_to_change_it_without_an_entry(travelled):
    missed = []
    for table, column in RULES:
        try:
            missed.append((table, column, update(table, CHANGES.get((table, column), f"{column} = now()"))))
        except IntegrityError as error:
            assert f"No state without evidence: {column} of {table} changed" in str(error)  # noqa: PT017
    assert missed == []


def test_the_same_changes_are_taken_when_they_name_a_new_entry(travelled):
    for table, column in RULES:
        entry = record("tried", actor=CONSOLE, kind="key", id=uuid7())
        change = CHANGES.get((table, column), f"{column} = now()")
        with transaction.atomic():
            assert update(table, f"{change}, entry_id = '{entry.id}'") == 1, (table, column)
            transaction.set_rollback(True)


def test_an_entry_that_does_not_exist_proves_nothing(travelled):
    for table in sorted({table for table, _ in RULES}):
        with pytest.raises(IntegrityError, match=r"foreign key|No state without evidence"):
            update(table, "entry_id = gen_random_uuid()")


def copied(table: str, **columns: str) -> None:
    """One more row, like the newest but under another id and with these columns, in a transaction of its own."""
    changed = {"id": "gen_random_uuid()", **columns}
    values = ", ".join(f"{name} = {value}" for name, value in changed.items())
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE one ON COMMIT DROP AS SELECT * FROM {table} ORDER BY id DESC LIMIT 1")
        cursor.execute(f"UPDATE one SET {values}")
        cursor.execute(f"INSERT INTO {table} SELECT * FROM one")


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("governance_output", {"external_id": "'other'", "entry_id": "gen_random_uuid()"}),
        ("governance_output", {"external_id": "'other'"}),  # an entry there is, about another output
        ("reviews_item", {"round": "9", "entry_id": "gen_random_uuid()"}),
        ("reviews_item", {"round": "9", "output_id": "gen_random_uuid()"}),
        ("reviews_item", {"round": "9", "system_id": "gen_random_uuid()"}),
    ],
)
def test_neither_output_nor_item_comes_into_being_without_an_entry_about_it(travelled, table, columns):
    with pytest.raises(IntegrityError, match="No state without evidence"):
        copied(table, **columns)


def test_what_has_a_state_cannot_come_into_being_without_an_entry(travelled):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.columns"
            " WHERE column_name = 'entry_id' AND table_name = ANY(%s) AND is_nullable = 'YES'",
            [sorted({table for table, _ in RULES})],
        )
        # A delivery is made by the entry that its `cause` names, and has one of its own once it ends. A queue comes
        # with the policy that names it, and has one once a lead has changed something about it.
        assert sorted(row[0] for row in cursor.fetchall()) == ["reviews_delivery", "reviews_queue"]


def test_a_decision_stands_as_it_was_made(travelled):
    for change in (
        "verdict = 'approve'", "reasons = '{}'", "is_correct = NOT is_correct", "decided_at = now()", "seat = 2",
        "is_blind = NOT is_blind", "entry_id = (SELECT id FROM governance_entry LIMIT 1)",
        "person_id = (SELECT id FROM governance_person LIMIT 1)",
    ):  # fmt: skip
        with pytest.raises(DatabaseError, match="The evidence log only grows"):
            update("reviews_decision", change)
    with pytest.raises(DatabaseError, match="The evidence log only grows"), transaction.atomic():
        connection.cursor().execute("DELETE FROM reviews_decision")
