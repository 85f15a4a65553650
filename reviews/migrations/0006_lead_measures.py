"""How far reviewers have shown their measures, each step with its entry; and what is counted for them, by person."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

NEEDS_ENTRY = """
CREATE TRIGGER until_needs_entry BEFORE UPDATE ON reviews_shown FOR EACH ROW
    WHEN (OLD.until IS DISTINCT FROM NEW.until AND OLD.entry_id IS NOT DISTINCT FROM NEW.entry_id)
    EXECUTE FUNCTION countersign_needs_entry('until');
"""


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0006_policy_models"),
        ("reviews", "0005_next"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Shown",
            fields=[
                (
                    "person",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("until", models.DateTimeField()),
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
        migrations.RunSQL(NEEDS_ENTRY, migrations.RunSQL.noop),
    ]
