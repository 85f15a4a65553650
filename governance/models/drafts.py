"""Policy texts that somebody is still writing: hers alone, and no part of the record until they are proposed."""

from typing import ClassVar

from django.db import models
from uuid_utils.compat import uuid7

from governance.models.people import Person


class PolicyDraft(models.Model):
    """One person's draft of one system's policy. `revision` counts its saves, so that two tabs never overwrite."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    system = models.ForeignKey("governance.System", models.CASCADE, related_name="drafts")
    author = models.ForeignKey(Person, models.CASCADE, related_name="+", db_index=False)
    document = models.TextField(help_text="Canonical JSON; it need not be a valid policy yet.")
    base = models.ForeignKey("governance.PolicyVersion", models.CASCADE, null=True, related_name="+", db_index=False)
    revision = models.PositiveIntegerField(default=1)
    saved_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["system", "author"], name="one_draft_a_person"),
        ]

    def __str__(self) -> str:
        return f"draft of {self.author} for {self.system_id}"
