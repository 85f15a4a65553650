"""The append-only log: entries, what waits to be sealed, and the erasable content that entries commit to."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Func
from uuid_utils.compat import uuid7


class Entry(models.Model):
    """One entry of the log. `leaf` is the entry; the other columns only help to find it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    at = models.DateTimeField()
    type = models.CharField(max_length=40)
    subject_kind = models.CharField(max_length=16)
    subject = models.UUIDField()
    rev = models.PositiveIntegerField()
    system = models.UUIDField(null=True)
    leaf = models.BinaryField()
    leaf_hash = models.GeneratedField(
        expression=Func(F("leaf"), function="countersign_leaf_hash"),
        output_field=models.BinaryField(max_length=32),
        db_persist=True,
    )

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["subject", "rev"], name="a_chain_never_forks"),
            models.UniqueConstraint(fields=["leaf_hash"], name="a_leaf_once"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


class PendingEntry(models.Model):
    """An entry that the sealer has not given its place yet; written by a trigger, never by the program."""

    entry = models.OneToOneField(Entry, models.PROTECT, primary_key=True, related_name="+", db_constraint=False)

    def __str__(self) -> str:
        return str(self.entry_id)


class Payload(models.Model):
    """Content that an entry commits to and that stays erasable: a comment, a correction. Its salt goes with it."""

    id = models.BigAutoField(primary_key=True)
    entry = models.ForeignKey(Entry, models.PROTECT, related_name="payloads", db_constraint=False)
    name = models.CharField(max_length=32)
    salt = models.BinaryField(max_length=32)
    content = models.BinaryField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["entry", "name"], name="a_payload_once"),
        ]

    def __str__(self) -> str:
        return self.name
