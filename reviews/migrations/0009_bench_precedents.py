"""What decided cases were about, found by their words; it goes when the content goes that it was made from."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
from django.db import migrations, models

ERASED = """
CREATE FUNCTION reviews_forget_precedent() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    DELETE FROM reviews_precedent WHERE output_id = OLD.output_id;
    RETURN NULL;
END $$;
CREATE TRIGGER precedents_go_with_their_content AFTER DELETE ON governance_outputcontent
    FOR EACH ROW EXECUTE FUNCTION reviews_forget_precedent();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0015_bench_keys"),
        ("reviews", "0010_routing_flow"),
    ]

    operations = [
        migrations.CreateModel(
            name="Precedent",
            fields=[
                (
                    "output",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="governance.outputcontent",
                    ),
                ),
                ("excerpt", models.CharField(blank=True, max_length=120)),
                ("words", django.contrib.postgres.search.SearchVectorField()),
                (
                    "decision",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="reviews.decision",
                    ),
                ),
                (
                    "system",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="governance.system",
                    ),
                ),
            ],
            options={
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(
                        fastupdate=False, fields=["words"], name="precedents_by_words"
                    ),
                    models.Index(fields=["-decision"], name="precedents_newest_first"),
                    models.Index(fields=["system", "-decision"], name="precedents_of_a_system"),
                ],
            },
        ),
        migrations.RunSQL(ERASED, migrations.RunSQL.noop),
    ]
