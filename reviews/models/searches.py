"""Searches of the history that somebody keeps under a name: hers alone, and no part of the record."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from governance.models import Person


class SavedSearch(models.Model):
    """The filters and columns of a page of the history, as its address has them."""

    id = models.BigAutoField(primary_key=True)
    person = models.ForeignKey(Person, models.CASCADE, related_name="+", db_index=False)
    name = models.CharField(max_length=80)
    query = models.CharField(max_length=2000)
    saved_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["person", "name"], name="one_search_a_name"),
        ]

    def __str__(self) -> str:
        return self.name
