"""Examples of what policies must do, and what a proposal says that breaks some."""

import django.db.models.deletion
import django.db.models.functions.datetime
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models

# No example is dropped without an entry that says so.
DROPPED = """
CREATE TRIGGER dropped_at_needs_entry BEFORE UPDATE ON governance_example FOR EACH ROW
    WHEN (OLD.dropped_at IS DISTINCT FROM NEW.dropped_at AND OLD.entry_id IS NOT DISTINCT FROM NEW.entry_id)
    EXECUTE FUNCTION countersign_needs_entry('dropped_at');
"""


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0010_seal_head_sent"),
    ]

    operations = [
        migrations.AddField(
            model_name="policyversion",
            name="breaks",
            field=models.JSONField(default=list, help_text="The examples that it broke when it was proposed, by id."),
        ),
        migrations.AddField(
            model_name="policyversion",
            name="despite",
            field=models.TextField(blank=True, help_text="Why it may break them."),
        ),
        migrations.CreateModel(
            name="Example",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "expected",
                    models.CharField(
                        choices=[("review", "review"), ("block", "block"), ("release", "release")], max_length=8
                    ),
                ),
                ("note", models.TextField(blank=True)),
                ("pinned_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("dropped_at", models.DateTimeField(blank=True, null=True)),
                (
                    "entry",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="governance.entry",
                    ),
                ),
                (
                    "output",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="examples", to="governance.output"
                    ),
                ),
                (
                    "pinned_by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "system",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="examples",
                        to="governance.system",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(condition=models.Q(("dropped_at", None)), fields=["system"], name="examples_kept")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("dropped_at", None)), fields=("output",), name="one_example_an_output"
                    )
                ],
            },
        ),
        migrations.RunSQL(DROPPED, migrations.RunSQL.noop),
    ]
