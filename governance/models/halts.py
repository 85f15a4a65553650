"""Halts: from when on everything of a system goes to people, and until when."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from governance.models.people import Person


class Halt(models.Model):
    """One halt of a system, lifted or not. While it stands nothing is released, whatever the policy says."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    system = models.ForeignKey("governance.System", models.PROTECT, related_name="halts")
    because = models.TextField()
    halted_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", help_text="Null: a guard.")
    halted_at = models.DateTimeField(db_default=Now())
    lifted_by = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="+")
    lifted_at = models.DateTimeField(null=True, blank=True)
    comment = models.TextField(blank=True, help_text="Why it was lifted.")
    entry = models.ForeignKey("governance.Entry", models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["system"], condition=Q(lifted_at=None), name="one_halt_at_a_time"),
        ]

    def __str__(self) -> str:
        return f"halt of {self.system_id}"
