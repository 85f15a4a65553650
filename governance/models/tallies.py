"""Kept counts: what counting the outputs of a threshold gave, a block a day, so that it need not be counted again.

A cache of `governance_output` and nothing else: it may be emptied at any time and is then counted anew.
"""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from uuid_utils.compat import uuid7

from governance.models.systems import System


class Tally(models.Model):
    """How far the outputs of one threshold and one model are counted.

    Every output that came before `counted_to` is in a block of its day, but for those that name a case. `position` is
    the place in the sealed log up to which changes of these outputs were taken in; `unsettled` are the days in which
    something has changed that is not final yet. `edges` are the lower ends of the slices, in millionths.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    system = models.ForeignKey(System, models.CASCADE, related_name="+", db_index=False)
    rule = models.CharField(max_length=80)
    model = models.CharField(max_length=120)
    model_version = models.CharField(max_length=120)
    prompt_version = models.CharField(max_length=120, null=True)  # noqa: DJ001  null: not a prompted system
    code = models.CharField(max_length=24, help_text="What computed the blocks.")
    edges = ArrayField(models.IntegerField())
    policies = ArrayField(models.UUIDField(), help_text="The versions whose outputs are counted.")
    counted_to = models.DateTimeField()
    position = models.BigIntegerField(default=0)
    unsettled = ArrayField(models.DateField(), default=list)
    has_cases = models.BooleanField(default=False)
    # All blocks from `first_day` on together, so that a window is read from one row.
    first_day = models.DateField(null=True)
    opens = models.DateTimeField(null=True)
    rates = ArrayField(models.IntegerField(), default=list)
    counts = models.BinaryField(default=b"")
    revision = models.BigIntegerField(default=1, help_text="Raised with every change of a block.")
    kept_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["system", "rule", "model", "model_version", "prompt_version"],
                name="one_tally_a_threshold_and_model",
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule} of {self.system_id}"


class TallyBlock(models.Model):
    """The counts of one UTC day and one propensity: unsigned integers of 32 bits, a row for each of
    `governance.tuning.kept.COLUMNS` and in it one for each slice, the first for outputs without a confidence."""

    id = models.BigAutoField(primary_key=True)
    tally = models.ForeignKey(Tally, models.CASCADE, related_name="blocks", db_index=False)
    day = models.DateField()
    rate = models.IntegerField(help_text="The propensity of what went out, in millionths; 0 for what was reviewed.")
    opens = models.DateTimeField(help_text="When the first of them arrived.")
    counts = models.BinaryField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["tally", "day", "rate"], name="a_day_is_counted_once"),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.rate}"
