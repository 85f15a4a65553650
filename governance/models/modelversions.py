"""The models whose outputs have come: each version and prompt once, and whether somebody let it in."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from governance.models.people import Person
from governance.models.systems import System


class ModelVersionQuerySet(models.QuerySet["ModelVersion"]):
    def of(self, system: System) -> "ModelVersionQuerySet":
        return self.filter(system=system)

    def told(self) -> "ModelVersionQuerySet":
        """Each with who admitted it, the latest first."""
        return self.select_related("admitted_by").order_by("-first_seen_at", "-id")


class ModelVersion(models.Model):
    """One model, version and prompt version of a system, as its outputs state them; what they leave out is empty.

    While `is_admitted`, policies that were not validated for it judge it all the same.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    system = models.ForeignKey(System, models.PROTECT, related_name="models", db_index=False)
    model = models.CharField(max_length=120, blank=True)
    model_version = models.CharField(max_length=120, blank=True)
    prompt_version = models.CharField(max_length=120, blank=True)
    first_seen_at = models.DateTimeField(db_default=Now())
    is_admitted = models.BooleanField(default=False)
    admitted_by = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    admitted_at = models.DateTimeField(null=True, blank=True)
    because = models.TextField(blank=True)
    admission = models.ForeignKey("governance.Entry", models.PROTECT, null=True, related_name="+", db_index=False)
    entry = models.ForeignKey("governance.Entry", models.PROTECT, related_name="+", db_index=False)

    objects = ModelVersionQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["system", "model", "model_version", "prompt_version"], name="a_model_version_once"
            ),
            models.CheckConstraint(
                condition=models.Q(is_admitted=False) | models.Q(admission__isnull=False, admitted_by__isnull=False),
                name="an_admission_has_a_person_and_an_entry",
            ),
        ]

    def __str__(self) -> str:
        prompt = f", prompt {self.prompt_version}" if self.prompt_version else ""
        return f"{' '.join(filter(None, (self.model, self.model_version))) or 'a model without a name'}{prompt}"
