"""The models of a system, registered as their outputs come."""

import django.db.models.deletion
import django.db.models.functions.datetime
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models

# No model is let in, or shut out, without an entry that says so.
ADMISSION = """
CREATE TRIGGER is_admitted_needs_entry BEFORE UPDATE ON governance_modelversion FOR EACH ROW
    WHEN (OLD.is_admitted IS DISTINCT FROM NEW.is_admitted AND OLD.entry_id IS NOT DISTINCT FROM NEW.entry_id)
    EXECUTE FUNCTION countersign_needs_entry('is_admitted');
"""


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0005_instant"),
    ]

    operations = [
        migrations.CreateModel(
            name="ModelVersion",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("model", models.CharField(blank=True, max_length=120)),
                ("model_version", models.CharField(blank=True, max_length=120)),
                ("prompt_version", models.CharField(blank=True, max_length=120)),
                ("first_seen_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("is_admitted", models.BooleanField(default=False)),
                ("admitted_at", models.DateTimeField(blank=True, null=True)),
                ("because", models.TextField(blank=True)),
                (
                    "admission",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="governance.entry",
                    ),
                ),
                (
                    "admitted_by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
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
                    "system",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="models",
                        to="governance.system",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("system", "model", "model_version", "prompt_version"), name="a_model_version_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("is_admitted", False),
                            models.Q(("admission__isnull", False), ("admitted_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="an_admission_has_a_person_and_an_entry",
                    ),
                ],
            },
        ),
        migrations.RunSQL(ADMISSION, migrations.RunSQL.noop),
    ]
