"""Lower risk tiers that wait for their signatures."""

import django.db.models.deletion
import django.db.models.functions.datetime
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models

# A signature names the person who asked for that very change; with the check on the row she cannot be the signer.
ONE_PROPOSER = """
ALTER TABLE governance_tiersignature ADD CONSTRAINT a_tier_signature_names_who_asked
    FOREIGN KEY (change_id, proposer_id) REFERENCES governance_tierchange (id, proposer_id);
"""
STATE = """
CREATE TRIGGER state_needs_entry BEFORE UPDATE ON governance_tierchange FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state AND OLD.entry_id IS NOT DISTINCT FROM NEW.entry_id)
    EXECUTE FUNCTION countersign_needs_entry('state');
"""


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0011_policy_examples"),
    ]

    operations = [
        migrations.CreateModel(
            name="TierChange",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("was", models.CharField(max_length=8)),
                ("becomes", models.CharField(max_length=8)),
                ("asked_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "state",
                    models.CharField(
                        choices=[("waiting", "waiting"), ("done", "done"), ("declined", "declined")],
                        default="waiting",
                        max_length=8,
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
                    "proposer",
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
                        on_delete=django.db.models.deletion.PROTECT, related_name="tier_changes", to="governance.system"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TierSignature",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("role", models.CharField(max_length=16)),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "approver",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "change",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="signatures",
                        to="governance.tierchange",
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
                    "proposer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="tierchange",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "waiting")), fields=("system",), name="one_lower_tier_at_a_time"
            ),
        ),
        migrations.AddConstraint(
            model_name="tierchange",
            constraint=models.UniqueConstraint(fields=("id", "proposer"), name="a_tier_change_has_one_proposer"),
        ),
        migrations.AddConstraint(
            model_name="tiersignature",
            constraint=models.UniqueConstraint(fields=("change", "approver"), name="one_signature_a_tier_change"),
        ),
        migrations.AddConstraint(
            model_name="tiersignature",
            constraint=models.CheckConstraint(
                condition=models.Q(("approver", models.F("proposer")), _negated=True),
                name="who_asks_for_a_tier_never_signs_it",
            ),
        ),
        migrations.RunSQL(ONE_PROPOSER, migrations.RunSQL.noop),
        migrations.RunSQL(STATE, migrations.RunSQL.noop),
    ]
