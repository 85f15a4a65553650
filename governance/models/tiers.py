"""Lower risk tiers that are asked for: with fewer people to sign and more that may go out, each is a loosening."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from governance.models.people import Person
from governance.models.systems import System


class TierChangeQuerySet(models.QuerySet["TierChange"]):
    def waiting(self) -> "TierChangeQuerySet":
        return self.filter(state="waiting")


class TierChange(models.Model):
    """A lower tier for a system, and how far it has come: waiting → done, declined, or lapsed when the
    tier was raised meanwhile."""

    STATES = ("waiting", "done", "declined", "lapsed")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    system = models.ForeignKey(System, models.PROTECT, related_name="tier_changes")
    was = models.CharField(max_length=8)
    becomes = models.CharField(max_length=8)
    proposer = models.ForeignKey(Person, models.PROTECT, related_name="+", db_index=False)
    asked_at = models.DateTimeField(db_default=Now())
    state = models.CharField(max_length=8, choices=[(s, s) for s in STATES], default="waiting")
    entry = models.ForeignKey("governance.Entry", models.PROTECT, related_name="+", db_index=False)

    objects = TierChangeQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["system"], condition=Q(state="waiting"), name="one_lower_tier_at_a_time"),
            # What a signature's composite foreign key points at, so that it cannot name another proposer.
            models.UniqueConstraint(fields=["id", "proposer"], name="a_tier_change_has_one_proposer"),
        ]

    def __str__(self) -> str:
        return f"{self.system_id}: {self.was} → {self.becomes}"


class TierSignature(models.Model):
    """A signature under one change of tier, never the proposer's."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    change = models.ForeignKey(TierChange, models.PROTECT, related_name="signatures")
    proposer = models.ForeignKey(Person, models.PROTECT, related_name="+", db_index=False)
    approver = models.ForeignKey(Person, models.PROTECT, related_name="+", db_index=False)
    role = models.CharField(max_length=16)
    at = models.DateTimeField(db_default=Now())
    entry = models.ForeignKey("governance.Entry", models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["change", "approver"], name="one_signature_a_tier_change"),
            models.CheckConstraint(condition=~Q(approver=F("proposer")), name="who_asks_for_a_tier_never_signs_it"),
        ]

    def __str__(self) -> str:
        return f"{self.approver_id} as {self.role}"
