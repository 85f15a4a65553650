"""An output names an entry that is there and is about it: asked once a statement, not by a deferred check of each row.

A foreign key would ask a row at a time, at the commit, and lock every entry it finds: a third of what the database
spends on an output.
"""

from django.db import migrations

# Planned without sequential scans: a plan made while the log was short must not read the whole of a long one.
WITH_ENTRY = """
CREATE FUNCTION countersign_output_has_entry() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    IF EXISTS (
        SELECT FROM fresh f WHERE (SELECT e.subject FROM governance_entry e WHERE e.id = f.entry_id) IS DISTINCT FROM f.id
    ) THEN
        RAISE EXCEPTION 'No state without evidence: an output came without an entry about it.'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER outputs_come_with_an_entry AFTER INSERT ON governance_output
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION countersign_output_has_entry();
"""

# A change names its entry before that is written, so here the question waits for the commit.
STILL_THERE = """
CREATE FUNCTION countersign_entry_is_there() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM governance_entry WHERE id = NEW.entry_id) THEN
        RAISE EXCEPTION 'No state without evidence: % names an entry that is not there.', TG_TABLE_NAME
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER outputs_keep_an_entry AFTER UPDATE ON governance_output
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.entry_id IS DISTINCT FROM NEW.entry_id)
    EXECUTE FUNCTION countersign_entry_is_there();
"""
UNDO_WITH_ENTRY = """
DROP TRIGGER outputs_come_with_an_entry ON governance_output;
DROP FUNCTION countersign_output_has_entry();
"""


class Migration(migrations.Migration):
    dependencies = [("governance", "0003_log")]
    operations = [
        migrations.RunSQL(WITH_ENTRY, migrations.RunSQL.noop),
        migrations.RunSQL(STILL_THERE, migrations.RunSQL.noop),
    ]
