"""No state of an item, a seat, a decision or a delivery changes without an entry in the log."""

from django.db import migrations


def needs_entry(table: str, column: str, unless: str = "false") -> str:
    """A trigger that refuses a new value of `column` in a row that names no new entry."""
    return f"""
CREATE TRIGGER {column}_needs_entry BEFORE UPDATE ON {table} FOR EACH ROW
    WHEN (OLD.{column} IS DISTINCT FROM NEW.{column} AND OLD.entry_id IS NOT DISTINCT FROM NEW.entry_id AND NOT {unless})
    EXECUTE FUNCTION countersign_needs_entry('{column}');
"""


RULES = [
    needs_entry("reviews_item", "state"),
    needs_entry("reviews_item", "routed_at"),
    needs_entry("reviews_item", "queue_id"),
    needs_entry("reviews_item", "due_at"),
    needs_entry("reviews_item", "priority"),
    needs_entry("reviews_item", "reminded_at"),
    needs_entry("reviews_seat", "decided_at"),
    needs_entry("reviews_seat", "closed_at"),
    # A soft claim is evidence only once somebody has seen the item.
    needs_entry("reviews_seat", "claim_token", unless="(NEW.is_soft OR OLD.is_soft)"),
    # Whose seat it was stays in the log: giving it back comes with what ended it.
    needs_entry("reviews_seat", "assigned_to_id", unless="(NEW.assigned_to_id IS NULL)"),
    needs_entry("reviews_queue", "paused_at"),
    needs_entry("reviews_queue", "moves_to_id"),
    needs_entry("reviews_capacity", "most"),
    needs_entry("reviews_endpoint", "disabled_at"),
    needs_entry("reviews_endpoint", "url"),
    needs_entry("reviews_endpoint", "events"),
    needs_entry("reviews_endpoint", "secret"),
    needs_entry("reviews_endpoint", "removed_at"),
    needs_entry("reviews_delivery", "delivered_at"),
    needs_entry("reviews_delivery", "dead_at"),
    needs_entry("reviews_delivery", "cancelled_at"),
    needs_entry("reviews_shown", "until"),
]

# Decisions are history: a column that says what was decided, by whom and when never changes.
DECISIONS_STAND = """
CREATE TRIGGER decisions_stand BEFORE UPDATE OF item_id, output_id, person_id, seat, round, purpose, verdict, reasons,
    is_correct, is_blind, decided_at, entry_id ON reviews_decision
    FOR EACH ROW EXECUTE FUNCTION countersign_refuse();
CREATE TRIGGER decisions_stay BEFORE DELETE ON reviews_decision
    FOR EACH ROW EXECUTE FUNCTION countersign_refuse();
"""


class Migration(migrations.Migration):
    dependencies = [("reviews", "0001_tables"), ("governance", "0002_rules")]
    operations = [
        *[migrations.RunSQL(rule, migrations.RunSQL.noop) for rule in RULES],
        migrations.RunSQL(DECISIONS_STAND, migrations.RunSQL.noop),
    ]
