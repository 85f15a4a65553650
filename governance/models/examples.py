"""Examples that a system keeps of what every policy must do: outputs of its own, and the lane each has to take."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from governance.models.outputs import Output
from governance.models.people import Person
from governance.models.systems import System


class ExampleQuerySet(models.QuerySet["Example"]):
    def kept(self, system: System) -> "ExampleQuerySet":
        return self.filter(system=system, dropped_at=None)

    def told(self) -> "ExampleQuerySet":
        """Each with its output and who pinned it, the latest first."""
        return self.select_related("output", "pinned_by").order_by("-id")


class Example(models.Model):
    """One output, and what every policy has to say of it. `expected`: `review` (a person sees it, or it is blocked),
    `block`, or `release`. It names the output and holds none of its content, which stays erasable."""

    EXPECTED = ("review", "block", "release")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    system = models.ForeignKey(System, models.PROTECT, related_name="examples", db_index=False)
    output = models.ForeignKey(Output, models.PROTECT, related_name="examples")
    expected = models.CharField(max_length=8, choices=[(lane, lane) for lane in EXPECTED])
    note = models.TextField(blank=True)
    pinned_by = models.ForeignKey(Person, models.PROTECT, related_name="+", db_index=False)
    pinned_at = models.DateTimeField(db_default=Now())
    dropped_at = models.DateTimeField(null=True, blank=True)
    entry = models.ForeignKey("governance.Entry", models.PROTECT, related_name="+", db_index=False)

    objects = ExampleQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["output"], condition=Q(dropped_at=None), name="one_example_an_output"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["system"], condition=Q(dropped_at=None), name="examples_kept"),
        ]

    def __str__(self) -> str:
        return f"{self.output_id} → {self.expected}"
