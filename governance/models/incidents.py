"""What went wrong after it went out: incidents, and the truth that came from outside."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from django.db import models
from django.db.models import OuterRef, Q
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from governance.models.outputs import Output
from governance.models.people import Person
from governance.models.systems import PolicyVersion, System

KINDS = ("alarm", "audit", "outcome", "person")
INCIDENT_STATES = ("open", "contained", "closed")


class IncidentQuerySet(models.QuerySet["Incident"]):
    def among(self, systems: set[UUID] | None) -> "IncidentQuerySet":
        """Of these systems; None means all."""
        return self if systems is None else self.filter(system__in=systems)

    def narrowed(self, slug: str | None, *, state: str | None, kind: str | None) -> "IncidentQuerySet":
        """Of one system, in one state, of one kind; what is None does not narrow."""
        asked = {"system__slug": slug, "state": state, "kind": kind}
        return self.filter(**{name: value for name, value in asked.items() if value is not None})

    def unclosed(self) -> "IncidentQuerySet":
        return self.exclude(state="closed")

    def of_audits(self) -> "IncidentQuerySet":
        """Alarms that audits gave. Those of a policy's own guards (items waiting, broken contracts, overrides) say
        nothing of how much of what goes out is wrong."""
        return self.filter(kind="alarm", facts__has_key="audits")

    def since(self, moment: datetime | OuterRef) -> "IncidentQuerySet":
        """Opened after it."""
        return self.filter(opened_at__gt=moment)

    def newest_first(self) -> "IncidentQuerySet":
        return self.order_by("-id")

    def told(self) -> "IncidentQuerySet":
        """Each with what a page says of it."""
        return self.select_related(
            "system", "output", "version", "remedy", "opened_by", "contained_by", "closed_by"
        ).defer("version__document", "remedy__document")


class Incident(models.Model):
    """Something that went out and was, or may have been, wrong. open → contained → closed; closing says why it happened
    and which approved policy, or what else, keeps it from happening again."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    system = models.ForeignKey(System, models.PROTECT, related_name="incidents", db_index=False)
    kind = models.CharField(max_length=8, choices=[(k, k) for k in KINDS])
    state = models.CharField(max_length=9, choices=[(s, s) for s in INCIDENT_STATES], default="open")
    title = models.CharField(max_length=200)
    facts = models.JSONField(default=dict, help_text="What an alarm counted.")
    output = models.ForeignKey(Output, models.PROTECT, null=True, related_name="incidents")
    version = models.ForeignKey(PolicyVersion, models.PROTECT, null=True, related_name="+", db_index=False)
    opened_at = models.DateTimeField(db_default=Now())
    opened_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", db_index=False)
    contained_at = models.DateTimeField(null=True)
    contained_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", db_index=False)
    containment = models.TextField(blank=True)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", db_index=False)
    cause = models.TextField(blank=True)
    remedy = models.ForeignKey(PolicyVersion, models.PROTECT, null=True, related_name="+", db_index=False)
    reason = models.TextField(blank=True, help_text="Why no policy has to change.")
    entry = models.ForeignKey("governance.Entry", models.PROTECT, related_name="+", db_index=False)

    objects = IncidentQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=Q(state__in=INCIDENT_STATES), name="a_known_incident_state"),
            models.CheckConstraint(
                condition=~Q(state="closed") | (~Q(cause="") & (Q(remedy__isnull=False) | ~Q(reason=""))),
                name="a_closed_incident_says_why",
            ),
            models.UniqueConstraint(
                fields=["output"], condition=Q(kind__in=("audit", "outcome")), name="one_incident_an_output"
            ),
            models.UniqueConstraint(
                fields=["version"], condition=Q(kind="alarm") & ~Q(state="closed"), name="one_alarm_at_a_time"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["system", "-id"], name="incidents_newest_first"),
            models.Index(fields=["opened_at"], name="incidents_by_time"),
        ]

    def __str__(self) -> str:
        return self.title


class Outcome(models.Model):
    """The truth about an output, learnt later from outside. Never a label: nobody drew it at random."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    system = models.ForeignKey(System, models.PROTECT, related_name="+", db_index=False)
    output = models.ForeignKey(Output, models.PROTECT, related_name="outcomes", db_index=False)
    is_correct = models.BooleanField()
    source = models.CharField(max_length=120, blank=True)
    observed_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField(db_default=Now())
    key = models.UUIDField(null=True)
    digest = models.BinaryField(max_length=32)
    entry = models.ForeignKey("governance.Entry", models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["output", "digest"], name="an_outcome_once"),
        ]

    def __str__(self) -> str:
        return f"outcome of {self.output_id}"
