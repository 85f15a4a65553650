"""What was decided at once, under its id."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("reviews", "0006_lead_measures"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="AtOnce",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                (
                    "digest",
                    models.BinaryField(help_text="SHA-256 of what was asked, in its canonical form.", max_length=32),
                ),
                ("decided", models.PositiveSmallIntegerField(default=0)),
                ("left", models.PositiveSmallIntegerField(default=0)),
                ("rechecked", models.PositiveSmallIntegerField(default=0)),
                ("final_at", models.DateTimeField(null=True)),
                (
                    "person",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
    ]
