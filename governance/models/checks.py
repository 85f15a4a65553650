"""Checks that somebody asked for on the page: what was to be verified, how far it is, and what was found."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from governance.models.evidence import Entry
from governance.models.people import Person


class Check(models.Model):
    """One verification: of the places `first` up to `last` (excluded) of this log under the signed head `head`, or of a
    bundle that was uploaded. `done` of `of` steps are behind it; `report` is what was found so far."""

    KINDS = ("range", "bundle")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=8)
    head = models.TextField(blank=True)
    first = models.BigIntegerField(default=0)
    last = models.BigIntegerField(default=0)
    name = models.CharField(max_length=200, blank=True, help_text="of the uploaded file")
    size = models.BigIntegerField(default=0, help_text="of the uploaded file, in bytes")
    digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the uploaded file")
    keys = models.TextField(blank=True, help_text="The public keys that were given with it; empty: this log's own.")
    done = models.BigIntegerField(default=0)
    of = models.BigIntegerField(default=0)
    report = models.JSONField(default=dict)
    asked_at = models.DateTimeField(db_default=Now())
    taken_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    entry = models.ForeignKey(Entry, models.PROTECT, null=True, related_name="+", db_index=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=Q(kind__in=("range", "bundle")), name="a_known_kind_of_check"),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(entry__isnull=False), name="a_check_ends_with_its_entry"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["asked_at"], name="uploads_that_wait", condition=Q(ended_at=None, kind="bundle")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class CheckPart(models.Model):
    """A piece of an uploaded bundle; deleted when its check has ended."""

    id = models.BigAutoField(primary_key=True)
    check_of = models.ForeignKey(Check, models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["check_of", "number"], name="a_part_once"),
        ]

    def __str__(self) -> str:
        return str(self.number)
