"""Telling producers: where to, and the outbox of what to tell."""

from collections.abc import Collection
from typing import ClassVar
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from governance.models import Output, System
from governance.notices.kinds import EVENTS as NOTICES


class EndpointQuerySet(models.QuerySet["Endpoint"]):
    def present(self) -> "EndpointQuerySet":
        """Not taken away."""
        return self.filter(removed_at=None)

    def in_systems(self, systems: Collection[UUID] | None) -> "EndpointQuerySet":
        """Of these systems; None means all."""
        return self if systems is None else self.filter(system__in=systems)


class Endpoint(models.Model):
    """A webhook address of a system, signed with its own secret."""

    EVENTS = (
        "output.resolved", "output.corrected", "decision.superseded", "policy.activated", "incident.opened", *NOTICES,
    )  # fmt: skip

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    system = models.ForeignKey(System, models.PROTECT, related_name="endpoints")
    url = models.URLField(max_length=500)
    events = ArrayField(models.CharField(max_length=32))
    secret = models.CharField(max_length=80)
    previous_secret = models.CharField(max_length=80, blank=True, help_text="Signs too until `previous_until`.")
    previous_until = models.DateTimeField(null=True)
    failures = models.PositiveSmallIntegerField(db_default=0, help_text="In a row, whatever was to be told.")
    rests_until = models.DateTimeField(null=True, help_text="While a deliverer is at it, and after a failure.")
    created_at = models.DateTimeField(db_default=Now())
    disabled_at = models.DateTimeField(null=True)
    disabled_because = models.CharField(max_length=200, blank=True)
    removed_at = models.DateTimeField(null=True, help_text="Taken away; the row stays for what was delivered.")
    entry = models.ForeignKey("governance.Entry", models.PROTECT, related_name="+", db_index=False)

    objects = EndpointQuerySet.as_manager()

    def __str__(self) -> str:
        return self.url

    @property
    def host(self) -> str:
        """The server's name alone, for headings."""
        return urlsplit(self.url).netloc


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def newest_first(self) -> "DeliveryQuerySet":
        return self.order_by("-id")

    def waiting(self) -> "DeliveryQuerySet":
        """Neither delivered nor given up."""
        return self.filter(next_attempt_at__isnull=False)

    def dead(self) -> "DeliveryQuerySet":
        return self.filter(dead_at__isnull=False)


class Delivery(models.Model):
    """One event for one endpoint. Its id is the `webhook-id` of every attempt."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    endpoint = models.ForeignKey(Endpoint, models.PROTECT, related_name="deliveries", db_index=False)
    url = models.URLField(max_length=500, blank=True, help_text="The output's callback_url, where it has one.")
    event = models.CharField(max_length=32)
    output = models.ForeignKey(Output, models.PROTECT, null=True, related_name="deliveries")
    decision = models.UUIDField(null=True)
    subject = models.UUIDField(null=True, help_text="What the event is about when it is not an output.")
    cause = models.UUIDField(null=True, help_text="The entry that made it.")
    created_at = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField(db_default=Now(), help_text="When it may be told; the order within an endpoint.")
    next_attempt_at = models.DateTimeField(null=True, help_text="Null once delivered, dead or cancelled.")
    attempts = models.PositiveSmallIntegerField(default=0)
    delivered_at = models.DateTimeField(null=True)
    dead_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)
    answer = models.PositiveSmallIntegerField(null=True, help_text="The HTTP status of the last attempt.")
    problem = models.CharField(max_length=200, blank=True)
    entry = models.ForeignKey("governance.Entry", models.PROTECT, null=True, related_name="+", db_index=False)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["endpoint", "subject", "cause"],
                condition=Q(subject__isnull=False),
                name="a_policy_is_told_once",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["endpoint", "next_attempt_at"],
                name="deliveries_due",
                condition=Q(next_attempt_at__isnull=False),
            ),
            models.Index(
                fields=["endpoint", "due_at", "id"],
                name="deliveries_in_order",
                condition=Q(next_attempt_at__isnull=False),
            ),
            models.Index(fields=["endpoint", "-id"], name="deliveries_newest_first"),
            models.Index(fields=["endpoint"], name="deliveries_dead", condition=Q(dead_at__isnull=False)),
            models.Index(fields=["decision"], name="deliveries_by_decision", condition=Q(decision__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.id}"

    @property
    def state(self) -> str:
        """`delivered`, `dead`, `cancelled`, `waiting` or, after an attempt that failed, `retrying`."""
        for state in ("delivered", "dead", "cancelled"):
            if getattr(self, f"{state}_at"):
                return state
        return "retrying" if self.attempts and (self.answer or self.problem) else "waiting"
