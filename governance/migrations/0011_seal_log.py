"""The seal: places, tiles, the head, checkpoints and keys. All of it only grows."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

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


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0010_policy_instant"),
    ]

    operations = [
        migrations.CreateModel(
            name="LogCheckpoint",
            fields=[
                ("size", models.BigIntegerField(primary_key=True, serialize=False)),
                ("root", models.BinaryField(max_length=32)),
                ("note", models.TextField()),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name="LogTile",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "level", "number", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("level", models.PositiveSmallIntegerField()),
                ("number", models.BigIntegerField()),
                ("hashes", models.BinaryField(max_length=8192)),
            ],
        ),
        migrations.DeleteModel("PendingEntry"),
        migrations.CreateModel(
            name="PendingEntry",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "entry",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="governance.entry",
                    ),
                ),
            ],
        ),
        # Nothing has a place yet, so everything waits for one.
        migrations.RunSQL(
            "INSERT INTO governance_pendingentry (entry_id) SELECT id FROM governance_entry ORDER BY id",
            migrations.RunSQL.noop,
        ),
        migrations.CreateModel(
            name="LogHead",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("origin", models.CharField(max_length=255)),
                ("size", models.BigIntegerField(default=0)),
                ("root", models.BinaryField(max_length=32)),
                ("edge", models.BinaryField(default=b"")),
                ("sealed_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="one_log")],
            },
        ),
        migrations.CreateModel(
            name="LogKey",
            fields=[
                ("text", models.CharField(max_length=400, primary_key=True, serialize=False)),
                ("since", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("retired_at", models.DateTimeField(null=True)),
                (
                    "entry",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="governance.entry",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Sealed",
            fields=[
                ("index", models.BigIntegerField(primary_key=True, serialize=False)),
                (
                    "entry",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="governance.entry",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Cosignature",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("witness", models.CharField(help_text="its public key", max_length=400)),
                ("line", models.CharField(max_length=600)),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "checkpoint",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="cosignatures",
                        to="governance.logcheckpoint",
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("checkpoint", "witness"), name="a_witness_signs_once")],
            },
        ),
        *[migrations.RunSQL(only_grows(table), migrations.RunSQL.noop) for table in FOR_EVER],
        migrations.RunSQL(HEAD, migrations.RunSQL.noop),
        migrations.RunSQL(KEYS, migrations.RunSQL.noop),
    ]
