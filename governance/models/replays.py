"""Replays: what a policy text would have done to recorded outputs, as counted once and kept."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from governance.models.people import Person


class Replay(models.Model):
    """One replay, never changed. `digest` covers the texts compared, the window and everything that was counted."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    system = models.ForeignKey("governance.System", models.PROTECT, related_name="replays", db_index=False)
    base = models.ForeignKey("governance.PolicyVersion", models.PROTECT, null=True, related_name="+", db_index=False)
    policy = models.TextField(help_text="Canonical JSON of the text that was tried.")
    policy_digest = models.CharField(max_length=64)
    opens = models.DateTimeField()
    closes = models.DateTimeField()
    result = models.TextField(help_text="Canonical JSON: lanes, flips, load, cost, escaped errors.")
    digest = models.CharField(max_length=64)
    took_ms = models.PositiveIntegerField()
    made_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", db_index=False)
    made_at = models.DateTimeField(db_default=Now())
    entry = models.ForeignKey("governance.Entry", models.PROTECT, related_name="+", db_index=False)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["system", "-id"], name="replays_newest_first")]

    def __str__(self) -> str:
        return f"replay of {self.policy_digest[:12]}"
