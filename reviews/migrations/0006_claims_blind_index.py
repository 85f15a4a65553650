"""Whether an output waits in a blind item is found without reading what else waits."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("reviews", "0005_claims_open_search")]
    operations = [
        migrations.AddIndex(
            model_name="item",
            index=models.Index(
                condition=models.Q(("is_blind", True), models.Q(("state", "closed"), _negated=True)),
                fields=["output"],
                name="items_open_blind",
            ),
        ),
    ]
