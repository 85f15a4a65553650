"""Items that wait for people, their seats, and the queues they wait in."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from governance.models import Output, Person, PolicyVersion, System


class Queue(models.Model):
    """A queue that a system's policy names."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    system = models.ForeignKey(System, models.PROTECT, related_name="queues")
    slug = models.SlugField(max_length=64)
    mode = models.CharField(max_length=8, default="pull")
    capacity = models.PositiveIntegerField(null=True)
    escalates_to = models.CharField(max_length=64, blank=True)
    paused_at = models.DateTimeField(null=True, help_text="Since when nobody is given anything of it.")
    moves_to = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="+", db_index=False,
        help_text="It is closed: what comes goes there.",
    )  # fmt: skip
    entry = models.ForeignKey("governance.Entry", models.PROTECT, null=True, related_name="+", db_index=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["system", "slug"], name="a_queue_once"),
        ]

    def __str__(self) -> str:
        return self.slug


class Item(models.Model):
    """An output that waits for people. Its seats are what people claim; an item without `routed_at` has none yet."""

    STATES = ("open", "awaiting_second", "adjudication", "closed")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # A statement trigger looks whether output, system and entry are there, at once for all rows that come.
    output = models.ForeignKey(Output, models.PROTECT, related_name="items", db_index=False, db_constraint=False)
    system = models.ForeignKey(System, models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    queue = models.ForeignKey(Queue, models.PROTECT, null=True, related_name="items", db_index=False)
    purpose = models.CharField(max_length=12, default="review")
    round = models.PositiveSmallIntegerField(default=1)
    reviewers = models.PositiveSmallIntegerField(default=1)
    state = models.CharField(max_length=16, default="open")
    is_blind = models.BooleanField(default=False)
    priority = models.PositiveSmallIntegerField(default=0)
    route = models.JSONField(default=dict, help_text="The routing rule that fired, with its sentence and trace.")
    created_at = models.DateTimeField(db_default=Now())
    routed_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    timed_by = models.ForeignKey(
        PolicyVersion, models.PROTECT, null=True, related_name="+", db_index=False,
        help_text="The policy version whose service level it is timed by.",
    )  # fmt: skip
    rung = models.PositiveSmallIntegerField(db_default=0, help_text="Steps of the ladder that it has climbed.")
    next_step_at = models.DateTimeField(null=True, help_text="When the next step is due; null when there is none.")
    reminded_at = models.DateTimeField(null=True)
    entry = models.ForeignKey("governance.Entry", models.PROTECT, related_name="+", db_index=False, db_constraint=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["output", "round"], name="one_item_an_output_and_round"),
            models.CheckConstraint(
                condition=Q(state__in=("open", "awaiting_second", "adjudication", "closed")), name="a_known_item_state"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["created_at"], name="items_to_route", condition=Q(routed_at=None)),
            models.Index(fields=["queue", "due_at"], name="items_open", condition=~Q(state="closed")),
            models.Index(fields=["output"], name="items_open_blind", condition=Q(is_blind=True) & ~Q(state="closed")),
            models.Index(fields=["queue", "closed_at"], name="items_done", condition=Q(state="closed")),
            models.Index(fields=["queue", "created_at"], name="items_by_arrival", condition=Q(queue__isnull=False)),
            models.Index(
                fields=["next_step_at"],
                name="items_to_climb",
                condition=~Q(state="closed") & Q(next_step_at__isnull=False),
            ),
            models.Index(
                fields=["queue"], name="items_reminded", condition=~Q(state="closed") & Q(reminded_at__isnull=False)
            ),
            models.Index(
                fields=["system", "timed_by"],
                name="items_to_time",
                condition=~Q(state="closed") & Q(routed_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"item {self.id}"


class Seat(models.Model):
    """One person's place at an item: 1 and 2 judge, 3 adjudicates. The lease, its token and its expiry are the seat's.

    `urgent_at` is the order of the queue, earliest first: the due time brought nearer by priority. Because it is a
    moment and not a score, an old item is passed only by items that were due before it; nothing starves.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    item = models.ForeignKey(Item, models.PROTECT, related_name="seats", db_index=False)
    number = models.PositiveSmallIntegerField(default=1)
    system = models.ForeignKey(System, models.PROTECT, related_name="+", db_index=False)
    queue = models.ForeignKey(Queue, models.PROTECT, related_name="seats", db_index=False)
    skills = ArrayField(models.CharField(max_length=64), default=list)
    is_for_lead = models.BooleanField(default=False)
    barred = ArrayField(models.UUIDField(), db_default=[], help_text="Who has an interest in it, and may not judge it.")
    affinity = models.CharField(max_length=16, db_default="", help_text="Like values go to the same person.")
    assigned_to = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", db_index=False)
    assigned_at = models.DateTimeField(null=True)
    urgent_at = models.DateTimeField()
    held_until = models.DateTimeField(null=True)
    held_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", db_index=False)
    claimed_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", db_index=False)
    claim_token = models.UUIDField(null=True)
    claim_expires_at = models.DateTimeField(null=True)
    is_soft = models.BooleanField(default=False)
    shown_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", db_index=False)
    decided_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True, help_text="Decided, or no longer needed.")
    entry = models.ForeignKey("governance.Entry", models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["item", "number"], name="a_seat_once"),
            models.UniqueConstraint(fields=["item", "decided_by"], name="a_person_judges_an_item_once"),
            models.CheckConstraint(
                condition=Q(claim_token=None, claimed_by=None, claim_expires_at=None)
                | Q(claim_token__isnull=False, claimed_by__isnull=False, claim_expires_at__isnull=False),
                name="a_claim_is_whole",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["queue", "urgent_at", "id"], name="seats_most_urgent_first", condition=Q(closed_at=None)
            ),
            models.Index(
                fields=["claimed_by"], name="seats_in_hand", condition=Q(closed_at=None, claimed_by__isnull=False)
            ),
            models.Index(
                fields=["assigned_to", "urgent_at"],
                name="seats_assigned",
                condition=Q(closed_at=None, assigned_to__isnull=False),
            ),
            models.Index(fields=["queue", "affinity", "-assigned_at"], name="seats_alike", condition=~Q(affinity="")),
            models.Index(
                fields=["queue", "urgent_at"], name="seats_to_assign", condition=Q(closed_at=None, assigned_to=None)
            ),
            models.Index(fields=["held_by"], name="seats_held", condition=Q(closed_at=None, held_by__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"seat {self.number} of {self.item_id}"


class Skip(models.Model):
    """Somebody passed an item on; it is not offered to her again."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    item = models.ForeignKey(Item, models.PROTECT, related_name="skips", db_index=False)
    person = models.ForeignKey(Person, models.PROTECT, related_name="+", db_index=False)
    reason = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField(db_default=Now())
    entry = models.ForeignKey("governance.Entry", models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["item", "person"], name="a_skip_once"),
        ]

    def __str__(self) -> str:
        return f"{self.person} skipped {self.item_id}"


class Capacity(models.Model):
    """How many items of a queue one person is given at a time, where that is not what the queue says of everybody."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    person = models.ForeignKey(Person, models.PROTECT, related_name="+", db_index=False)
    queue = models.ForeignKey(Queue, models.PROTECT, related_name="capacities")
    most = models.PositiveIntegerField()
    entry = models.ForeignKey("governance.Entry", models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["person", "queue"], name="a_capacity_once"),
        ]

    def __str__(self) -> str:
        return f"{self.most} of {self.queue_id} for {self.person_id}"


class Note(models.Model):
    """What one person writes to another about an item: a question, an answer, or why it is handed over.

    The text is a payload of `entry`, erasable. A note blocks nothing.
    """

    KINDS = ("asked", "answered", "handed_over")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    item = models.ForeignKey(Item, models.PROTECT, related_name="notes")
    author = models.ForeignKey(Person, models.PROTECT, related_name="+", db_index=False)
    to = models.ForeignKey(Person, models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=12)
    at = models.DateTimeField(db_default=Now())
    settled_at = models.DateTimeField(null=True, help_text="A question: answered, or its item is closed.")
    entry = models.ForeignKey("governance.Entry", models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=Q(kind__in=("asked", "answered", "handed_over")), name="a_known_note"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["to", "-id"], name="notes_open", condition=Q(settled_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"
