"""Places know the beginning of their entry's hash, so that what an entry cites is found without an index for writers."""

from django.db import migrations, models

# A place is never changed, so the table is written anew with the column and takes the place of the old one.
ANEW = """
CREATE FUNCTION countersign_key(hash bytea) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (('x' || encode(substr(hash, 1, 8), 'hex'))::bit(64) # B'1000000000000000000000000000000000000000000000000000000000000000')::bigint;

ALTER TABLE governance_sealed RENAME TO governance_sealed_before;
CREATE TABLE governance_sealed (
    index bigint NOT NULL, entry_id uuid NOT NULL, key bigint NOT NULL
);
INSERT INTO governance_sealed (index, entry_id, key)
    SELECT s.index, s.entry_id, countersign_key(e.leaf_hash)
    FROM governance_sealed_before s JOIN governance_entry e ON e.id = s.entry_id ORDER BY s.index;
DROP TABLE governance_sealed_before;
ALTER TABLE governance_sealed ADD CONSTRAINT governance_sealed_pkey PRIMARY KEY (index);
ALTER TABLE governance_sealed ADD CONSTRAINT governance_sealed_entry_id_key UNIQUE (entry_id);
CREATE INDEX governance_sealed_key ON governance_sealed (key);

CREATE TRIGGER sealed_only_grows BEFORE UPDATE OR DELETE ON governance_sealed
    FOR EACH ROW EXECUTE FUNCTION countersign_refuse();
CREATE TRIGGER sealed_is_never_emptied BEFORE TRUNCATE ON governance_sealed
    FOR EACH STATEMENT EXECUTE FUNCTION countersign_refuse();
ALTER TABLE governance_sealed ENABLE ALWAYS TRIGGER sealed_only_grows;
ALTER TABLE governance_sealed ENABLE ALWAYS TRIGGER sealed_is_never_emptied;
"""


class Migration(migrations.Migration):
    dependencies = [("governance", "0017_policy_terms")]
    operations = [
        migrations.RunSQL(
            ANEW,
            migrations.RunSQL.noop,
            state_operations=[
                migrations.AddField("sealed", "key", models.BigIntegerField(db_index=True), preserve_default=False)
            ],
        ),
    ]
