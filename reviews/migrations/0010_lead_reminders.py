"""Reminders are found by an index of their own."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0006_policy_models"),
        ("reviews", "0009_auditor_searches"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="item",
            index=models.Index(
                condition=models.Q(models.Q(("state", "closed"), _negated=True), ("reminded_at__isnull", False)),
                fields=["queue"],
                name="items_reminded",
            ),
        ),
    ]
