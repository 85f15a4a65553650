"""A model version, an answer or a reason that hardly occurs is found without reading what everybody decided."""

from django.contrib.postgres.indexes import GinIndex
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("reviews", "0011_claims_parents")]
    operations = [
        migrations.AddIndex(
            model_name="decision",
            index=models.Index(fields=["system", "model_version", "-id"], name="decisions_by_model"),
        ),
        migrations.AddIndex(
            model_name="decision", index=models.Index(fields=["system", "ai_said", "-id"], name="decisions_by_answer")
        ),
        migrations.AddIndex(model_name="decision", index=GinIndex(fields=["reasons"], name="decisions_by_reason")),
    ]
