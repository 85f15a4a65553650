"""What of a decision may be searched by those who see its comment masked."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import migrations, models

# Whether an older comment is masked is not looked up: it is found by its words only by those who may read every comment.
OLDER = """
UPDATE reviews_decision d
SET open_search = to_tsvector('simple', concat_ws(' ', array_to_string(d.reasons, ' '), d.ai_said, d.person_said))
WHERE EXISTS (SELECT FROM governance_payload p WHERE p.entry_id = d.entry_id AND p.name = 'comment');
"""


class Migration(migrations.Migration):
    dependencies = [("governance", "0002_rules"), ("reviews", "0004_routing_ladder_rules")]
    operations = [
        migrations.AddField(
            model_name="decision",
            name="open_search",
            field=SearchVectorField(
                help_text="What of `search` finds it for those who see its comment masked; null: all of it.", null=True
            ),
        ),
        migrations.RunSQL(OLDER, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name="decision",
            index=GinIndex(
                condition=models.Q(("open_search__isnull", False)),
                fields=["open_search"],
                name="decisions_open_search",
            ),
        ),
    ]
