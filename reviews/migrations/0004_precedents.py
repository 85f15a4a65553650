"""What is kept to find like cases goes with the content that it was made from."""

from django.db import migrations

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
    dependencies = [("reviews", "0003_entries")]
    operations = [
        migrations.RunSQL(ERASED, migrations.RunSQL.noop),
    ]
