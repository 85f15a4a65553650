"""What people and programs are told of: written with the change itself, sent afterwards."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from governance.models.people import Person
from governance.models.systems import System


class Notice(models.Model):
    """Something happened that people asked to be told of. It holds numbers and names of rooms only: what somebody wrote
    is read from where it is kept when the notice is sent, so that what was erased is not told."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    system = models.ForeignKey(System, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=32)
    subject = models.UUIDField(help_text="The policy version, incident, tier change, halt, queue or item it is about.")
    facts = models.JSONField(default=dict)
    # Null, since what has no such name is never the same as another.
    once = models.CharField(  # noqa: DJ001
        max_length=120, null=True, help_text="What is told once only, however often it happens."
    )
    at = models.DateTimeField(db_default=Now())
    entry = models.ForeignKey("governance.Entry", models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["once"], name="told_once"),
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["at"], name="notices_by_time")]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class LetterQuerySet(models.QuerySet["Letter"]):
    def waiting(self) -> "LetterQuerySet":
        """Neither sent nor given up."""
        return self.filter(next_attempt_at__isnull=False)


class Letter(models.Model):
    """One notice for one person, by e-mail. Its id is the Message-ID of every attempt."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    notice = models.ForeignKey(Notice, models.CASCADE, related_name="letters", db_index=False)
    person = models.ForeignKey(Person, models.CASCADE, related_name="letters")
    next_attempt_at = models.DateTimeField(null=True, help_text="Null once sent, dead or withdrawn.")
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    dead_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True, help_text="Whoever it was for may no longer read it.")
    problem = models.CharField(max_length=200, blank=True)

    objects = LetterQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["notice", "person"], name="one_letter_a_notice_and_person"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["next_attempt_at"], name="letters_due", condition=Q(next_attempt_at__isnull=False)),
            models.Index(fields=["dead_at"], name="letters_dead", condition=Q(dead_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return str(self.id)
