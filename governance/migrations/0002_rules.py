"""What must always hold and Django cannot say: the log only grows, and no state changes without an entry in it."""

from django.db import migrations

APPEND_ONLY = """
CREATE FUNCTION countersign_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The evidence log only grows: % on % is refused.', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER entries_only_grow BEFORE UPDATE OR DELETE ON governance_entry
    FOR EACH ROW EXECUTE FUNCTION countersign_refuse();
CREATE TRIGGER entries_are_never_emptied BEFORE TRUNCATE ON governance_entry
    FOR EACH STATEMENT EXECUTE FUNCTION countersign_refuse();
ALTER TABLE governance_entry ENABLE ALWAYS TRIGGER entries_only_grow;
ALTER TABLE governance_entry ENABLE ALWAYS TRIGGER entries_are_never_emptied;
"""

# A statement trigger: one INSERT for a chunk of a thousand entries, and no poller that could pass a late commit.
PENDING = """
CREATE FUNCTION countersign_pending() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO governance_pendingentry (entry_id) SELECT id FROM fresh;
    RETURN NULL;
END $$;

CREATE TRIGGER entries_wait_for_the_seal AFTER INSERT ON governance_entry
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION countersign_pending();
ALTER TABLE governance_entry ENABLE ALWAYS TRIGGER entries_wait_for_the_seal;
"""

NEEDS_ENTRY = """
CREATE FUNCTION countersign_needs_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'No state without evidence: % of % changed without an entry.', TG_ARGV[0], TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
"""


def needs_entry(table: str, column: str) -> str:
    """A trigger that refuses a new value of `column` in a row that names no new entry."""
    return f"""
CREATE TRIGGER {column}_needs_entry BEFORE UPDATE ON {table} FOR EACH ROW
    WHEN (OLD.{column} IS DISTINCT FROM NEW.{column} AND OLD.entry_id IS NOT DISTINCT FROM NEW.entry_id)
    EXECUTE FUNCTION countersign_needs_entry('{column}');
"""


# A signature names the proposer of the very version it stands under; with the check on the row she cannot be the signer.
ONE_PROPOSER = """
ALTER TABLE governance_approval ADD CONSTRAINT an_approval_names_the_proposer
    FOREIGN KEY (version_id, proposer_id) REFERENCES governance_policyversion (id, proposer_id);
ALTER TABLE governance_approval ALTER COLUMN proposer_id SET NOT NULL;
ALTER TABLE governance_tiersignature ADD CONSTRAINT a_tier_signature_names_who_asked
    FOREIGN KEY (change_id, proposer_id) REFERENCES governance_tierchange (id, proposer_id);
"""

STATES = [
    ("governance_output", "status"),
    ("governance_output", "correction"),
    ("governance_policyversion", "state"),
    ("governance_policyversion", "is_approved"),
    ("governance_system", "in_force_id"),
    ("governance_system", "risk_tier"),
    ("governance_person", "is_active"),
    ("governance_apikey", "revoked_at"),
    ("governance_apikey", "scopes"),
    ("governance_certificate", "state"),
    ("governance_system", "halt_id"),
    ("governance_halt", "lifted_at"),
    ("governance_incident", "state"),
    ("governance_knownanswer", "found"),
    ("governance_presence", "hours"),
    ("governance_presence", "zone"),
    ("governance_presence", "paused_at"),
    ("governance_person", "second_factor_at"),
    ("governance_person", "unwanted_mails"),
    ("governance_modelversion", "is_admitted"),
    ("governance_example", "dropped_at"),
    ("governance_tierchange", "state"),
]


class Migration(migrations.Migration):
    dependencies = [("governance", "0001_tables")]
    operations = [
        migrations.RunSQL(APPEND_ONLY, migrations.RunSQL.noop),
        migrations.RunSQL(PENDING, migrations.RunSQL.noop),
        migrations.RunSQL(NEEDS_ENTRY, migrations.RunSQL.noop),
        migrations.RunSQL(ONE_PROPOSER, migrations.RunSQL.noop),
        *[migrations.RunSQL(needs_entry(table, column), migrations.RunSQL.noop) for table, column in STATES],
    ]
