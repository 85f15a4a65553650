"""Certificates: what a look at the evidence proved about a threshold, with everything that went into it."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from governance.models.systems import System


class CertificateQuerySet(models.QuerySet["Certificate"]):
    def newest_first(self) -> "CertificateQuerySet":
        return self.order_by("-id")

    def of(self, system: System, segment: str = "") -> "CertificateQuerySet":
        return self.filter(system=system, segment=segment)

    def finished(self) -> "CertificateQuerySet":
        """Looks that came to an answer; one that died on the way has spent its level all the same."""
        return self.exclude(state="looking")


class Certificate(models.Model):
    """One look, never taken back: the level it spent stays spent. Thresholds and target are millionths.

    The row is there, in state `looking`, before any label is counted; what was found is written into it once.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    system = models.ForeignKey(System, models.PROTECT, related_name="certificates")
    model = models.CharField(max_length=120)
    model_version = models.CharField(max_length=120)
    prompt_version = models.CharField(max_length=120, null=True)  # noqa: DJ001  null: not a prompted system
    segment = models.CharField(max_length=64, blank=True, help_text="Empty: the default threshold.")
    look = models.PositiveIntegerField()
    state = models.CharField(max_length=24)
    target = models.PositiveIntegerField()
    delta = models.FloatField(help_text="The level that this look spent.")
    in_force = models.PositiveIntegerField(null=True)
    threshold = models.PositiveIntegerField(null=True)
    document = models.TextField(help_text="Canonical JSON: counts by threshold, steps, window, code version.")
    digest = models.CharField(max_length=64)
    taken_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    entry = models.ForeignKey("governance.Entry", models.PROTECT, related_name="+", db_index=False)

    objects = CertificateQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["system", "segment", "look"], name="a_look_is_spent_once"),
        ]

    def __str__(self) -> str:
        return f"look {self.look} at {self.system_id}"
