"""The append-only log: entries, what waits to be sealed, the seal, and the erasable content that entries commit to."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

# Types that every output brings with it. The others are rare enough for an index that their writers alone pay for.
FREQUENT = (
    "judged", "routed", "assigned", "claimed", "claim_released", "decided", "delivered", "outcome",
)  # fmt: skip


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
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["type", "id"], name="entries_of_rare_types", condition=~Q(type__in=FREQUENT)),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


class PendingEntry(models.Model):
    """An entry that the sealer has not given its place yet; written by a trigger, never by the program.

    `id` is the order in which entries were written: whoever cites an entry has seen it, and comes behind it.
    """

    id = models.BigAutoField(primary_key=True)
    entry = models.ForeignKey(Entry, models.PROTECT, related_name="+", db_constraint=False, db_index=False)

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


class Sealed(models.Model):
    """The place of an entry in the log, given once and for ever.

    `key` is the first eight bytes of its leaf hash, in the order of hashes: entries cite one another by hash, and an
    index over whole hashes would be paid for by every writer instead of by the sealer.
    """

    index = models.BigIntegerField(primary_key=True)
    entry = models.OneToOneField(Entry, models.PROTECT, related_name="+", db_constraint=False)
    key = models.BigIntegerField(db_index=True)

    def __str__(self) -> str:
        return f"#{self.index}"

    @staticmethod
    def key_of(hash: bytes) -> int:
        return int.from_bytes(hash[:8], "big") - 2**63


class LogHead(models.Model):
    """The one row on which sealers wait for one another: the log's name, size and root, and the right edge of its tree
    (`governance.evidence.tiles`). It only grows."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    origin = models.CharField(max_length=255)
    size = models.BigIntegerField(default=0)
    root = models.BinaryField(max_length=32)
    edge = models.BinaryField(default=b"")
    sealed_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=Q(id=1), name="one_log"),
        ]

    def __str__(self) -> str:
        return self.origin


class LogTile(models.Model):
    """256 hashes of the tree that no later entry changes, in C2SP tlog-tiles layout."""

    pk = models.CompositePrimaryKey("level", "number")
    level = models.PositiveSmallIntegerField()
    number = models.BigIntegerField()
    hashes = models.BinaryField(max_length=8192)

    def __str__(self) -> str:
        return f"{self.level}/{self.number}"


class LogCheckpoint(models.Model):
    """A signed head: one for each size at which the log was sealed, and never two."""

    size = models.BigIntegerField(primary_key=True)
    root = models.BinaryField(max_length=32)
    note = models.TextField()
    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return str(self.size)


class LogKey(models.Model):
    """A public key that signs, or has signed, this log's checkpoints, as `name+id+base64`."""

    text = models.CharField(max_length=400, primary_key=True)
    since = models.DateTimeField(db_default=Now())
    retired_at = models.DateTimeField(null=True)
    entry = models.ForeignKey(Entry, models.PROTECT, related_name="+", db_index=False)

    def __str__(self) -> str:
        return self.text


class HeadSent(models.Model):
    """That a day's head went out by itself, in one of the ways that the settings name: once a day and way."""

    WAYS = ("folder", "email", "witnesses")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    day = models.DateField()
    way = models.CharField(max_length=9, choices=[(way, way) for way in WAYS])
    size = models.BigIntegerField()
    sent_at = models.DateTimeField(db_default=Now())
    entry = models.ForeignKey(Entry, models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["day", "way"], name="a_head_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.way}"


class Cosignature(models.Model):
    """What a witness signed: that it saw this head, and that the log only grew since it last looked."""

    id = models.BigAutoField(primary_key=True)
    checkpoint = models.ForeignKey(LogCheckpoint, models.PROTECT, related_name="cosignatures")
    witness = models.CharField(max_length=400, help_text="its public key")
    line = models.CharField(max_length=600)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["checkpoint", "witness"], name="a_witness_signs_once"),
        ]

    def __str__(self) -> str:
        return self.witness
