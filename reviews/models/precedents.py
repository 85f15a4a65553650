"""What decided cases were about: made from contents, kept no longer than they are, and made anew from them at need."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models

from governance.models import OutputContent, System
from reviews.models.decisions import Decision


class Precedent(models.Model):
    """The words of one decided case, how it begins, and the place of its numbers; personal data is in none."""

    output = models.OneToOneField(
        OutputContent, models.CASCADE, primary_key=True, related_name="+", db_constraint=False
    )
    system = models.ForeignKey(System, models.CASCADE, related_name="+", db_index=False)
    decision = models.ForeignKey(Decision, models.CASCADE, related_name="+", db_index=False)
    excerpt = models.CharField(max_length=120, blank=True)
    words = SearchVectorField()
    # Read by the extension pgvector where the database has it; kept all the same, so that it may come later.
    place = ArrayField(models.FloatField(), null=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            GinIndex(fields=["words"], name="precedents_by_words", fastupdate=False),
            models.Index(fields=["-decision"], name="precedents_newest_first"),
            models.Index(fields=["system", "-decision"], name="precedents_of_a_system"),
        ]

    def __str__(self) -> str:
        return self.excerpt
