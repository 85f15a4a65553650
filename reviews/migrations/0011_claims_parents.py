"""A decision's system and policy are its output's: no second check, which would lock the same two rows for everybody."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("governance", "0002_rules"), ("reviews", "0012_routing_breaker")]
    operations = [
        migrations.AlterField(
            model_name="decision",
            name=name,
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=f"governance.{to}",
                **more,
            ),
        )
        for name, to, more in (("system", "system", {}), ("policy", "policyversion", {"null": True}))
    ]
