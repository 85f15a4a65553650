"""What the audits of each policy have found, read from an index alone."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("governance", "0006_proof_bundles")]
    operations = [
        migrations.AddIndex(
            model_name="output",
            index=models.Index(
                condition=models.Q(("is_audit", True), ("is_known_answer", False)),
                fields=["policy", "rule"],
                include=("label", "received_at"),
                name="audits_by_rule",
            ),
        ),
    ]
