"""No step of the ladder and no due time changes without an entry in the log."""

from django.db import migrations


def needs_entry(column: str) -> str:
    """A trigger that refuses a new value of `column` in an item that names no new entry. The first is given by routing."""
    return f"""
CREATE TRIGGER {column}_needs_entry BEFORE UPDATE ON reviews_item FOR EACH ROW
    WHEN (OLD.{column} IS DISTINCT FROM NEW.{column} AND OLD.entry_id IS NOT DISTINCT FROM NEW.entry_id)
    EXECUTE FUNCTION countersign_needs_entry('{column}');
"""


class Migration(migrations.Migration):
    dependencies = [("reviews", "0003_routing_ladder")]
    operations = [
        migrations.RunSQL(needs_entry(column), f"DROP TRIGGER {column}_needs_entry ON reviews_item")
        for column in ("due_at", "priority", "reminded_at")
    ]
