"""An item comes with an output of its own system and an entry about either: asked once a statement, as for outputs."""

from django.db import migrations

WITH_ENTRY = """
CREATE FUNCTION countersign_item_has_entry() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    IF EXISTS (
        SELECT FROM fresh f
        WHERE (SELECT o.system_id FROM governance_output o WHERE o.id = f.output_id) IS DISTINCT FROM f.system_id
           OR ((SELECT e.subject FROM governance_entry e WHERE e.id = f.entry_id) IN (f.output_id, f.id)) IS NOT TRUE
    ) THEN
        RAISE EXCEPTION 'No state without evidence: an item came without its output or without an entry.'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER items_come_with_an_entry AFTER INSERT ON reviews_item
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION countersign_item_has_entry();

CREATE CONSTRAINT TRIGGER items_keep_an_entry AFTER UPDATE ON reviews_item
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.entry_id IS DISTINCT FROM NEW.entry_id)
    EXECUTE FUNCTION countersign_entry_is_there();
"""


class Migration(migrations.Migration):
    dependencies = [("reviews", "0002_rules"), ("governance", "0004_entries")]
    operations = [
        migrations.RunSQL(WITH_ENTRY, migrations.RunSQL.noop),
    ]
