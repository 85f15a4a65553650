"""An item comes with an output of its own system and an entry about either: asked once a statement, as for outputs."""

import django.db.models.deletion
from django.db import migrations, models

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
UNDO = """
DROP TRIGGER items_keep_an_entry ON reviews_item;
DROP TRIGGER items_come_with_an_entry ON reviews_item;
DROP FUNCTION countersign_item_has_entry();
"""


class Migration(migrations.Migration):
    dependencies = [("reviews", "0006_claims_blind_index"), ("governance", "0015_intake_entries_at_once")]
    operations = [
        *[
            migrations.AlterField(
                model_name="item",
                name=name,
                field=models.ForeignKey(
                    db_constraint=False,
                    db_index=False,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name=related_name,
                    to=to,
                ),
            )
            for name, related_name, to in (
                ("output", "items", "governance.output"),
                ("system", "+", "governance.system"),
                ("entry", "+", "governance.entry"),
            )
        ],
        migrations.RunSQL(WITH_ENTRY, UNDO),
    ]
