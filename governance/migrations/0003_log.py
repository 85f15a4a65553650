"""The seal's tables only grow too: places, tiles, the head, checkpoints and keys."""

from django.db import migrations

FOR_EVER = ["sealed", "logtile", "logcheckpoint", "cosignature"]


def only_grows(table: str) -> str:
    """Triggers that refuse to change, delete or empty the rows of a table."""
    return f"""
CREATE TRIGGER {table}_only_grows BEFORE UPDATE OR DELETE ON governance_{table}
    FOR EACH ROW EXECUTE FUNCTION countersign_refuse();
CREATE TRIGGER {table}_is_never_emptied BEFORE TRUNCATE ON governance_{table}
    FOR EACH STATEMENT EXECUTE FUNCTION countersign_refuse();
ALTER TABLE governance_{table} ENABLE ALWAYS TRIGGER {table}_only_grows;
ALTER TABLE governance_{table} ENABLE ALWAYS TRIGGER {table}_is_never_emptied;
"""


HEAD = """
CREATE TRIGGER the_head_only_grows BEFORE UPDATE ON governance_loghead FOR EACH ROW
    WHEN (NEW.size < OLD.size OR NEW.origin <> OLD.origin OR (NEW.size = OLD.size AND NEW.root <> OLD.root))
    EXECUTE FUNCTION countersign_refuse();
CREATE TRIGGER the_head_stays BEFORE DELETE ON governance_loghead
    FOR EACH ROW EXECUTE FUNCTION countersign_refuse();
CREATE TRIGGER the_head_is_never_emptied BEFORE TRUNCATE ON governance_loghead
    FOR EACH STATEMENT EXECUTE FUNCTION countersign_refuse();
ALTER TABLE governance_loghead ENABLE ALWAYS TRIGGER the_head_only_grows;
ALTER TABLE governance_loghead ENABLE ALWAYS TRIGGER the_head_stays;
ALTER TABLE governance_loghead ENABLE ALWAYS TRIGGER the_head_is_never_emptied;
"""

KEYS = """
CREATE TRIGGER a_key_retires_with_an_entry BEFORE UPDATE ON governance_logkey FOR EACH ROW
    WHEN (OLD.entry_id IS NOT DISTINCT FROM NEW.entry_id OR OLD.text <> NEW.text OR OLD.since <> NEW.since)
    EXECUTE FUNCTION countersign_refuse();
CREATE TRIGGER keys_stay BEFORE DELETE ON governance_logkey FOR EACH ROW EXECUTE FUNCTION countersign_refuse();
-- Hashes do not compress, and slices of a tile are read on their own.
ALTER TABLE governance_logtile ALTER COLUMN hashes SET STORAGE EXTERNAL;
ALTER TABLE governance_loghead ALTER COLUMN edge SET STORAGE EXTERNAL;
"""

# The beginning of an entry's hash, by which a place is found.
KEY = r"""
CREATE FUNCTION countersign_key(hash bytea) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (('x' || encode(substr(hash, 1, 8), 'hex'))::bit(64) # B'1000000000000000000000000000000000000000000000000000000000000000')::bigint;
"""

# Entries of two to four kilobytes stay in their row as they are: to press each took as long as all the rest of writing it.
LONG_ENTRIES = "ALTER TABLE governance_entry SET (toast_tuple_target = 4080)"


class Migration(migrations.Migration):
    dependencies = [("governance", "0002_rules")]
    operations = [
        *[migrations.RunSQL(only_grows(table), migrations.RunSQL.noop) for table in FOR_EVER],
        migrations.RunSQL(HEAD, migrations.RunSQL.noop),
        migrations.RunSQL(KEYS, migrations.RunSQL.noop),
        migrations.RunSQL(KEY, migrations.RunSQL.noop),
        migrations.RunSQL(LONG_ENTRIES, migrations.RunSQL.noop),
    ]
