"""What somebody wants no e-mail of changes with an entry, as all else about her does."""

from django.db import migrations

CHOSEN = """
CREATE TRIGGER unwanted_mails_needs_entry BEFORE UPDATE ON governance_person FOR EACH ROW
    WHEN (OLD.unwanted_mails IS DISTINCT FROM NEW.unwanted_mails AND OLD.entry_id IS NOT DISTINCT FROM NEW.entry_id)
    EXECUTE FUNCTION countersign_needs_entry('unwanted_mails');
"""


class Migration(migrations.Migration):
    dependencies = [("governance", "0008_notice_tables")]
    operations = [migrations.RunSQL(CHOSEN, "DROP TRIGGER unwanted_mails_needs_entry ON governance_person;")]
