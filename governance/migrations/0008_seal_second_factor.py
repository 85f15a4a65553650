"""Since when somebody signs in with a second factor: a state like any other, so it needs its entry."""

from importlib import import_module

from django.db import migrations, models

needs_entry = import_module("governance.migrations.0002_rules").needs_entry


class Migration(migrations.Migration):
    dependencies = [("governance", "0007_auditor_checks")]
    operations = [
        migrations.AddField(
            "person",
            "second_factor_at",
            models.DateTimeField(null=True, help_text="Since when she signs in with a second factor."),
        ),
        migrations.RunSQL(needs_entry("governance_person", "second_factor_at"), migrations.RunSQL.noop),
    ]
