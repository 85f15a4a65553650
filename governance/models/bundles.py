"""Bundles of evidence that somebody asked for on the page: which part of the log, how far the writing is, the file."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from governance.models.evidence import Entry
from governance.models.people import Person
from governance.models.systems import System


class Bundle(models.Model):
    """One request. `since`, `until`, `system` and `subjects` select the entries; none of them is the whole log.

    `attempt` counts who began to write it: only parts of the newest attempt are of the file. `entry` is the newest
    entry about it: that it was asked for, then that it was written. `refused` says why there will be no file.
    """

    PAYLOADS = ("all", "gate", "none")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    system = models.ForeignKey(System, models.PROTECT, null=True, related_name="+", db_index=False)
    since = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)
    systems = ArrayField(models.UUIDField(), default=list, help_text="Whose entries it has; empty: any.")
    subjects = ArrayField(models.UUIDField(), default=list)
    about = models.CharField(max_length=500, blank=True, help_text="What the subjects are, in the words of who asked.")
    payloads = models.CharField(max_length=4, default="all")
    asked_at = models.DateTimeField(db_default=Now())
    taken_at = models.DateTimeField(null=True, help_text="When whoever writes it last gave a sign of life.")
    attempt = models.PositiveSmallIntegerField(default=0)
    done = models.BigIntegerField(default=0)
    of = models.BigIntegerField(default=0)
    size = models.BigIntegerField(default=0, help_text="of the file, in bytes")
    digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the file")
    manifest = models.JSONField(default=dict)
    refused = models.CharField(max_length=300, blank=True)
    ended_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True, help_text="When something was erased that may be in the file.")
    entry = models.ForeignKey(Entry, models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=Q(payloads__in=("all", "gate", "none")), name="a_known_disclosure"),
            models.CheckConstraint(
                condition=Q(ended_at=None) | ~Q(refused="") | Q(size__gt=0, digest__gt=""),
                name="a_bundle_ends_with_its_file_or_a_reason",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["asked_at"], name="bundles_that_wait", condition=Q(ended_at=None)),
        ]

    def __str__(self) -> str:
        return f"bundle {self.id}"


class BundlePart(models.Model):
    """A piece of the file, as one attempt wrote it; deleted when the file is not offered any more."""

    id = models.BigAutoField(primary_key=True)
    bundle = models.ForeignKey(Bundle, models.CASCADE, related_name="parts", db_index=False)
    attempt = models.PositiveSmallIntegerField()
    number = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["bundle", "attempt", "number"], name="a_bundle_part_once"),
        ]

    def __str__(self) -> str:
        return str(self.number)
