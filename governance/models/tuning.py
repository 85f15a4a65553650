"""Certificates: what a look at the evidence proved about a threshold, with everything that went into it."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from governance.models.outputs import Output
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


class KnownAnswerQuerySet(models.QuerySet["KnownAnswer"]):
    def of(self, system: System) -> "KnownAnswerQuerySet":
        return self.filter(system=system)

    def judged(self) -> "KnownAnswerQuerySet":
        """Those that people have judged for good."""
        return self.filter(found__isnull=False, final_at__lte=Now())


class KnownAnswer(models.Model):
    """A natural error, replayed as a new item to see whether reviewers find it. `output` is the replay, `original` the
    output whose error two people had confirmed. `found` is null until the item is closed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    system = models.ForeignKey(System, models.PROTECT, related_name="+", db_index=False)
    output = models.OneToOneField(Output, models.PROTECT, related_name="known_answer")
    original = models.ForeignKey(Output, models.PROTECT, related_name="+")
    prompted_by = models.UUIDField(unique=True, help_text="The genuine item whose draw asked for it.")
    drawn_as = models.CharField(max_length=200, help_text="The external id under which it was judged.")
    seeded_at = models.DateTimeField(db_default=Now())
    is_blind = models.BooleanField(db_default=False, help_text="The AI's answer was out of sight.")
    decision = models.UUIDField(null=True)
    found = models.BooleanField(null=True)
    final_at = models.DateTimeField(null=True)
    entry = models.ForeignKey("governance.Entry", models.PROTECT, related_name="+", db_index=False)

    objects = KnownAnswerQuerySet.as_manager()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["system", "-id"], name="known_answers_newest")]

    def __str__(self) -> str:
        return f"known answer {self.id}"
