"""Whether an output's content was erased."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("governance", "0021_lab_blind_answers")]
    operations = [migrations.AddField("outputcontent", "erased_at", models.DateTimeField(null=True))]
