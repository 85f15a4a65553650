"""What AI systems produced: a narrow row to find, judge and measure it by, and its wide content apart."""

from typing import ClassVar

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from governance.models.systems import PolicyVersion, System

STATUSES = ("released", "in_review", "approved", "overridden", "rejected", "blocked")


def is_final() -> Q:
    """What producers may act on: its time has come, and it is no person's decision under a halt that still stands."""
    is_free = ~Q(resolved_by="person") | Q(system__halt=None) | Q(final_at__lte=F("system__halt__halted_at"))
    return Q(final_at__isnull=False, final_at__lte=Now()) & is_free


class OutputQuerySet(models.QuerySet["Output"]):
    def newest_first(self) -> "OutputQuerySet":
        return self.order_by("-id")

    def of(self, system: System) -> "OutputQuerySet":
        return self.filter(system=system)

    def genuine(self) -> "OutputQuerySet":
        """What producers sent. A known answer is a replay that only its reviewer sees; nothing counts it."""
        return self.filter(is_known_answer=False)


class Output(models.Model):
    """One thing the AI produced, the verdict on it, and how it ended.

    `status` counts from `final_at` on; until then a decision can be undone and every door a producer reads answers
    `in_review`. `confidence`, `threshold` and `propensity` are millionths. `label` is what tuning may learn from it:
    true for correct, false for wrong, null while nobody knows.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # The statement that writes an output checks its system and policy itself; a foreign key would check them again for
    # each row and lock the same two parent rows from every writer: a third of what an output costs.
    system = models.ForeignKey(System, models.PROTECT, related_name="outputs", db_index=False, db_constraint=False)
    external_id = models.CharField(max_length=200)
    body_digest = models.BinaryField(max_length=32)
    received_at = models.DateTimeField(db_default=Now())
    policy = models.ForeignKey(
        PolicyVersion, models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False
    )
    contract_version = models.CharField(max_length=32, null=True)  # noqa: DJ001  null: the system has none yet
    model = models.CharField(max_length=120)
    model_version = models.CharField(max_length=120)
    prompt_version = models.CharField(max_length=120, null=True)  # noqa: DJ001  null: not a prompted system
    confidence = models.IntegerField(null=True)
    segment = models.CharField(max_length=64, null=True)  # noqa: DJ001  null: the default threshold
    lane = models.CharField(max_length=8)
    rule = models.CharField(max_length=80)
    threshold = models.IntegerField(null=True)
    propensity = models.IntegerField()
    is_audit = models.BooleanField()
    is_held = models.BooleanField()
    is_breached = models.BooleanField()
    status = models.CharField(max_length=10)
    resolved_by = models.CharField(max_length=8, null=True)  # noqa: DJ001  null: not resolved
    final_at = models.DateTimeField(null=True)
    decision = models.UUIDField(null=True)
    correction = models.UUIDField(null=True, help_text="The decision that found a released output wrong.")
    revision = models.PositiveSmallIntegerField(default=1)
    label = models.BooleanField(null=True)
    labelled_at = models.DateTimeField(null=True)
    traceparent = models.CharField(max_length=64, null=True)  # noqa: DJ001  null: none was sent
    key = models.UUIDField(null=True, help_text="The API key that sent it.")
    case_key = models.BigIntegerField(null=True, help_text="The same for outputs of one case; null: by itself.")
    is_known_answer = models.BooleanField(db_default=False, help_text="A replay that measures reviewers.")
    # A statement trigger looks whether the entry is there: at once for all rows, and without locking them.
    entry = models.ForeignKey("governance.Entry", models.PROTECT, related_name="+", db_index=False, db_constraint=False)

    objects = OutputQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["system", "external_id"], name="an_external_id_once"),
            models.CheckConstraint(condition=models.Q(status__in=STATUSES), name="a_known_status"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["system", "-id"], name="outputs_newest_first"),
            # Rows arrive in the order of time, so a few kilobytes find a window among millions.
            BrinIndex(fields=["received_at"], name="outputs_by_time", autosummarize=True),
            # Few rows each: the audits that the detector reads, and the released answers that were found wrong.
            models.Index(fields=["policy", "labelled_at"], name="audits_by_policy", condition=models.Q(is_audit=True)),
            models.Index(
                fields=["policy", "rule"],
                include=["label", "received_at"],
                name="audits_by_rule",
                condition=models.Q(is_audit=True, is_known_answer=False),
            ),
            models.Index(fields=["correction"], name="outputs_corrected", condition=models.Q(correction__isnull=False)),
            # Outputs of one case stand for one another over days, so counting looks at all of them each time.
            models.Index(
                fields=["system", "received_at"], name="outputs_of_cases", condition=models.Q(case_key__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.external_id


class OutputContent(models.Model):
    """The content of an output, as canonical JSON text: hostile, personal, erasable. The log commits to it.

    Once it is erased, the row stays with nothing in it. The salt is empty then, so that no guess can be tried.
    """

    output = models.OneToOneField(Output, models.CASCADE, primary_key=True, related_name="content", db_constraint=False)
    salt_key = models.BinaryField(max_length=32)
    input = models.TextField()
    answer = models.TextField(db_column="output_json")
    context = models.TextField(help_text="alternatives, explanation, attributes, callback_url")
    gate_inputs = models.TextField()
    verdict = models.TextField(help_text="The verdict as first given to the producer.")

    def __str__(self) -> str:
        return str(self.output_id)
