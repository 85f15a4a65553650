"""Kept counts of the outputs that thresholds decided, and the way to the outputs of cases."""

import django.contrib.postgres.fields
import django.db.models.deletion
import uuid_utils.compat
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0008_seal_second_factor"),
    ]

    operations = [
        migrations.CreateModel(
            name="Tally",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("rule", models.CharField(max_length=80)),
                ("model", models.CharField(max_length=120)),
                ("model_version", models.CharField(max_length=120)),
                ("prompt_version", models.CharField(max_length=120, null=True)),
                ("code", models.CharField(help_text="What computed the blocks.", max_length=24)),
                ("edges", django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), size=None)),
                (
                    "policies",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField(), help_text="The versions whose outputs are counted.", size=None
                    ),
                ),
                ("counted_to", models.DateTimeField()),
                ("position", models.BigIntegerField(default=0)),
                (
                    "unsettled",
                    django.contrib.postgres.fields.ArrayField(base_field=models.DateField(), default=list, size=None),
                ),
                ("has_cases", models.BooleanField(default=False)),
                ("first_day", models.DateField(null=True)),
                ("opens", models.DateTimeField(null=True)),
                (
                    "rates",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.IntegerField(), default=list, size=None
                    ),
                ),
                ("counts", models.BinaryField(default=b"")),
                ("revision", models.BigIntegerField(default=1, help_text="Raised with every change of a block.")),
                ("kept_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="TallyBlock",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("day", models.DateField()),
                (
                    "rate",
                    models.IntegerField(
                        help_text="The propensity of what went out, in millionths; 0 for what was reviewed."
                    ),
                ),
                ("opens", models.DateTimeField(help_text="When the first of them arrived.")),
                ("counts", models.BinaryField()),
            ],
        ),
        migrations.AddIndex(
            model_name="output",
            index=models.Index(
                condition=models.Q(("case_key__isnull", False)),
                fields=["system", "received_at"],
                name="outputs_of_cases",
            ),
        ),
        migrations.AddField(
            model_name="tally",
            name="system",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="governance.system"
            ),
        ),
        migrations.AddField(
            model_name="tallyblock",
            name="tally",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="blocks",
                to="governance.tally",
            ),
        ),
        migrations.AddConstraint(
            model_name="tally",
            constraint=models.UniqueConstraint(
                fields=("system", "rule", "model", "model_version", "prompt_version"),
                name="one_tally_a_threshold_and_model",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="tallyblock",
            constraint=models.UniqueConstraint(fields=("tally", "day", "rate"), name="a_day_is_counted_once"),
        ),
    ]
