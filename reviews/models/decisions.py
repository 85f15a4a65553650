"""What people decided. Rows are never overwritten: an undone or superseded decision stays and says so."""

from typing import ClassVar
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchQuery, SearchVectorField
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from governance.models import Output, Person, PolicyVersion, System
from reviews.models.items import Item


class DecisionQuerySet(models.QuerySet["Decision"]):
    def standing(self) -> "DecisionQuerySet":
        """Neither undone nor superseded."""
        return self.filter(undone_at=None, superseded_by=None)

    def with_words(self, text: str, *, unmasked_in: set[UUID] | None) -> "DecisionQuerySet":
        """Those that all these words find, as a search engine reads them. `unmasked_in` are the systems whose comments
        may be read as they are (None: all)."""
        words = SearchQuery(text, config="simple", search_type="websearch")
        if unmasked_in is None:
            return self.filter(search=words)
        masked = Q(open_search=words) | Q(open_search=None, search=words)
        return self.filter(masked | Q(search=words, system__in=unmasked_in) if unmasked_in else masked)

    def narrow(self) -> "DecisionQuerySet":
        """Without the words it is found by, which nobody reads."""
        return self.defer("search", "open_search")

    def with_what_is_around(self) -> "DecisionQuerySet":
        """Narrow, with what a list of the API tells of the rows around each."""
        around = ("system__slug", "output__external_id", "person__name", "person__is_simulated", "policy__number",
                  "superseded_by__id")  # fmt: skip
        own = [field.attname for field in Decision._meta.concrete_fields if not field.name.endswith("search")]
        return self.select_related("system", "output", "person", "policy", "superseded_by").only(*own, *around)

    def and_whether_superseded(self) -> "DecisionQuerySet":
        """Each with `is_superseded`."""
        return self.annotate(is_superseded=Exists(Decision.objects.filter(supersedes=OuterRef("pk"))))

    def newest_first(self) -> "DecisionQuerySet":
        return self.order_by("-id")


class Decision(models.Model):
    """A person's approve, override or reject.

    What history filters by is copied here from the output, so that one narrow index answers. `ai_said` and
    `person_said` are short readings of the answers for lists; the correction and the comment are payloads of `entry`.
    """

    VERDICTS = ("approve", "override", "reject")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    item = models.ForeignKey(Item, models.PROTECT, related_name="decisions", db_index=False)
    output = models.ForeignKey(Output, models.PROTECT, related_name="decisions")
    # As of an output: checking these two again would lock the same two rows from everybody who decides.
    system = models.ForeignKey(System, models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    person = models.ForeignKey(Person, models.PROTECT, related_name="decisions", db_index=False)
    seat = models.PositiveSmallIntegerField(default=1)
    round = models.PositiveSmallIntegerField(default=1)
    purpose = models.CharField(max_length=12)
    verdict = models.CharField(max_length=8)
    reasons = ArrayField(models.CharField(max_length=64), default=list)
    is_correct = models.BooleanField(null=True)
    is_blind = models.BooleanField(default=False)
    decided_at = models.DateTimeField(db_default=Now())
    final_at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)
    undone_entry = models.ForeignKey("governance.Entry", models.PROTECT, null=True, related_name="+", db_index=False)
    supersedes = models.OneToOneField("self", models.PROTECT, null=True, related_name="superseded_by")
    took_ms = models.PositiveIntegerField(null=True)
    confidence = models.IntegerField(null=True)
    rule = models.CharField(max_length=80)
    model_version = models.CharField(max_length=120)
    policy = models.ForeignKey(
        PolicyVersion, models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False
    )
    ai_said = models.CharField(max_length=200, blank=True)
    person_said = models.CharField(max_length=200, blank=True)
    bulk = models.UUIDField(null=True, help_text="What was decided at once shares it.")
    search = SearchVectorField(null=True)
    open_search = SearchVectorField(
        null=True, help_text="What of `search` finds it for those who see its comment masked; null: all of it."
    )
    entry = models.ForeignKey("governance.Entry", models.PROTECT, related_name="+", db_index=False)

    objects = DecisionQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=Q(verdict__in=("approve", "override", "reject")), name="a_known_verdict"),
            models.CheckConstraint(
                condition=Q(undone_at=None, undone_entry=None) | Q(undone_at__isnull=False, undone_entry__isnull=False),
                name="no_undo_without_evidence",
            ),
            models.UniqueConstraint(
                fields=["item", "seat"],
                condition=Q(undone_at=None, supersedes=None),
                name="one_standing_decision_a_seat",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["system", "-id"], name="decisions_newest_first"),
            models.Index(fields=["system", "verdict", "-id"], name="decisions_by_verdict"),
            models.Index(fields=["person", "-id"], name="decisions_by_person"),
            models.Index(fields=["system", "rule", "-id"], name="decisions_by_rule"),
            models.Index(fields=["bulk"], name="decisions_at_once", condition=Q(bulk__isnull=False)),
            models.Index(fields=["system", "model_version", "-id"], name="decisions_by_model"),
            models.Index(fields=["system", "ai_said", "-id"], name="decisions_by_answer"),
            GinIndex(fields=["reasons"], name="decisions_by_reason"),
            GinIndex(fields=["search"], name="decisions_search"),
            GinIndex(fields=["open_search"], name="decisions_open_search", condition=Q(open_search__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.verdict} {self.id}"


class AtOnce(models.Model):
    """What one person decided at once, under the id that she or her program gave it: a repeat finds the first answer.

    Written with the decisions and never changed; whether it was taken back is said of each decision.
    """

    id = models.UUIDField(primary_key=True)
    person = models.ForeignKey(Person, models.PROTECT, related_name="+", db_index=False)
    digest = models.BinaryField(max_length=32, help_text="SHA-256 of what was asked, in its canonical form.")
    decided = models.PositiveSmallIntegerField(default=0)
    left = models.PositiveSmallIntegerField(default=0)
    rechecked = models.PositiveSmallIntegerField(default=0)
    final_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"at once {self.id}"
