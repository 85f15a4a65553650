"""No state without evidence: whoever forgets the entry, the database refuses the change. For every rule there is."""

import re
from importlib import import_module

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from uuid_utils.compat import uuid7

from governance.evidence.record import record
from governance.people.actors import CONSOLE
from tests.governance.evidence import journey

_TRIGGER = re.compile(r"CREATE TRIGGER (\w+)_needs_entry BEFORE UPDATE ON (\w+)")
_GOVERNANCE = import_module("governance.migrations.0002_rules")
_REVIEWS = import_module("reviews.migrations.0002_rules")
RULES = sorted(
    {
        (table, column)
        for sql in (
            *(_GOVERNANCE.needs_entry(table, column) for table, column in _GOVERNANCE.STATES), *_REVIEWS.RULES,
        )
        for column, table in _TRIGGER.findall(sql)
    }
)  # fmt: skip

# What a change looks like, where it is not simply another moment.
CHANGES = {
    ("governance_output", "status"): "status = CASE status WHEN 'rejected' THEN 'approved' ELSE 'rejected' END",
    ("governance_output", "correction"): "correction = gen_random_uuid()",
    ("governance_policyversion", "state"): "state = 'declined'",
    ("governance_policyversion", "is_approved"): "is_approved = NOT is_approved",
    ("governance_system", "in_force_id"): "in_force_id = NULL",
    ("governance_system", "risk_tier"): "risk_tier = 'high'",
    ("governance_person", "is_active"): "is_active = NOT is_active",
    ("governance_apikey", "scopes"): "scopes = '{outputs:read}'",
    ("governance_certificate", "state"): "state = state || '!'",
    ("reviews_item", "state"): "state = CASE state WHEN 'closed' THEN 'open' ELSE 'closed' END",
    ("reviews_item", "queue_id"): "queue_id = NULL",
    ("reviews_seat", "claim_token"): (
        "claim_token = gen_random_uuid(), is_soft = false, claim_expires_at = now(),"
        " claimed_by_id = (SELECT id FROM governance_person LIMIT 1)"
    ),
    ("reviews_endpoint", "url"): "url = url || '/elsewhere'",
    ("reviews_endpoint", "events"): "events = '{output.corrected}'",
    ("reviews_endpoint", "secret"): "secret = 'whsec_AAAA'",
}


@pytest.fixture
def travelled(db, settings) -> None:
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    journey.run()


def update(table: str, change: str) -> int:
    """One row changed by plain SQL; how many that were."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"UPDATE {table} SET {change} WHERE id = (SELECT id FROM {table} ORDER BY id DESC LIMIT 1)")
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
        # A delivery is made by the entry that its `cause` names, and has one of its own once it ends.
        assert [row[0] for row in cursor.fetchall()] == ["reviews_delivery"]


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
