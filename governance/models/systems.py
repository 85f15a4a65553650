"""The AI systems under governance, their contracts and their policies."""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC
from typing import ClassVar
from uuid import UUID

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from governance.models.people import Person


class SystemQuerySet(models.QuerySet["System"]):
    def seen_by(self, person: Person) -> "SystemQuerySet":
        """The systems in which this person has any role."""
        grants = person.roles.all()
        if any(role.system_id is None for role in grants):
            return self
        return self.filter(pk__in=[role.system_id for role in grants])

    def among(self, ids: set[UUID] | None) -> "SystemQuerySet":
        """The systems of these ids; None means all."""
        return self if ids is None else self.filter(pk__in=ids)

    def with_policy(self) -> "SystemQuerySet":
        """Each with its policy in force and that policy's contract, their documents left out."""
        loaded = self.select_related("in_force__contract", "halt__halted_by")
        return loaded.defer("in_force__document", "in_force__contract__document")


class System(models.Model):
    """An AI-enabled feature under governance."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=120)
    purpose = models.TextField(blank=True)
    risk_tier = models.CharField(max_length=8, choices=[(t, t) for t in ("minimal", "limited", "high")])
    owner = models.CharField(max_length=120, help_text="The team that answers for it, as the system file names it.")
    created_at = models.DateTimeField(db_default=Now())
    in_force = models.ForeignKey("governance.PolicyVersion", models.PROTECT, null=True, blank=True, related_name="+")
    trial = models.ForeignKey("governance.PolicyVersion", models.PROTECT, null=True, blank=True, related_name="+")
    halt = models.ForeignKey("governance.Halt", models.PROTECT, null=True, blank=True, related_name="+")
    entry = models.ForeignKey("governance.Entry", models.PROTECT, related_name="+", db_index=False)

    objects = SystemQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class ContractVersion(models.Model):
    """What a system's inputs and outputs have to look like; immutable."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    system = models.ForeignKey(System, models.PROTECT, related_name="contracts")
    version = models.CharField(max_length=32)
    document = models.TextField(help_text="JSON as written: its order is that of the form.")
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField(db_default=Now())
    entry = models.ForeignKey("governance.Entry", models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["system", "version"], name="a_contract_version_once"),
        ]

    def __str__(self) -> str:
        return f"{self.system.slug} contract {self.version}"


class PolicyVersionQuerySet(models.QuerySet["PolicyVersion"]):
    def of(self, system: System) -> "PolicyVersionQuerySet":
        return self.filter(system=system)

    def undecided(self) -> "PolicyVersionQuerySet":
        """Those that wait for a signature or to be put in force; a first policy put in force unsigned waits too."""
        return self.filter(
            Q(state__in=("proposed", "approved", "shadow", "canary")) | Q(state="in_force", is_approved=False)
        )

    def waiting_in(self, systems: Iterable[System]) -> dict[UUID, int]:
        """How many are undecided in each of the systems that has any."""
        counted = self.undecided().filter(system__in=[system.pk for system in systems]).values_list("system")
        return dict(counted.annotate(models.Count("pk")))

    def told(self) -> "PolicyVersionQuerySet":
        """Each with who proposed and who signed it, what it is based on and its contract."""
        signatures = Approval.objects.select_related("approver").order_by("id")
        people = self.select_related("system", "contract", "proposer", "based_on", "replay", "revises")
        heavy = ("document", "contract__document", "based_on__document", "revises__document", "replay__policy")
        return people.defer(*heavy).prefetch_related(models.Prefetch("approvals", queryset=signatures))


class PolicyVersion(models.Model):
    """An immutable policy document and how far it has come: proposed → approved → (shadow → canary) → in_force →
    retired; or declined, or revised: another text took its place.
    Signatures hold for its `terms`."""

    STATES = ("proposed", "approved", "declined", "revised", "shadow", "canary", "in_force", "retired")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    system = models.ForeignKey(System, models.PROTECT, related_name="policies")
    contract = models.ForeignKey(ContractVersion, models.PROTECT, related_name="policies")
    number = models.PositiveIntegerField()
    document = models.TextField(help_text="Canonical JSON.")
    digest = models.CharField(max_length=64)
    based_on = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="+")
    loosens = models.BooleanField()
    because = models.TextField(blank=True)
    breaks = models.JSONField(default=list, help_text="The examples that it broke when it was proposed, by id.")
    despite = models.TextField(blank=True, help_text="Why it may break them.")
    proposer = models.ForeignKey(Person, models.PROTECT, related_name="proposals")
    proposed_at = models.DateTimeField(db_default=Now())
    state = models.CharField(max_length=8, choices=[(s, s) for s in STATES], default="proposed")
    replay = models.ForeignKey("governance.Replay", models.PROTECT, null=True, blank=True, related_name="+")
    activate_at = models.DateTimeField(null=True, blank=True, help_text="When it is put in force by itself.")
    share = models.PositiveIntegerField(default=0, help_text="Of the outputs that a canary judges, in millionths.")
    trial_from = models.DateTimeField(null=True, blank=True)
    revises = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="+")
    in_force_from = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)
    is_bootstrapped = models.BooleanField(default=False)
    is_approved = models.BooleanField(default=False, help_text="Everybody who has to sign has signed.")
    activation = models.ForeignKey("governance.Entry", models.PROTECT, null=True, related_name="+", db_index=False)
    entry = models.ForeignKey("governance.Entry", models.PROTECT, related_name="+", db_index=False)

    objects = PolicyVersionQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["system", "number"], name="a_policy_number_once"),
            models.UniqueConstraint(fields=["system"], condition=Q(state="in_force"), name="one_policy_in_force"),
            # What an approval's composite foreign key points at, so that it cannot name another proposer.
            models.UniqueConstraint(fields=["id", "proposer"], name="a_version_has_one_proposer"),
        ]

    def __str__(self) -> str:
        return f"{self.system.slug} policy {self.number}"

    @property
    def terms(self) -> str:
        """What a signature holds for, as 64 hex digits: the text, the contract, the policy it was compared with, the
        replay that was shown, the hour it is to begin. Loads the replay."""
        said = {
            "policy": self.digest, "contract": str(self.contract_id), "base": str(self.based_on_id),
            "replay": self.replay.digest if self.replay else None,
            "activate_at": self.activate_at.astimezone(UTC).isoformat() if self.activate_at else None,
        }  # fmt: skip
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()

    @property
    def state_word(self) -> str:
        return self.state.replace("_", " ")


class Approval(models.Model):
    """A signature under, or a refusal of, one policy digest."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    version = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="approvals")
    proposer = models.ForeignKey(Person, models.PROTECT, related_name="+")
    approver = models.ForeignKey(Person, models.PROTECT, related_name="approvals")
    role = models.CharField(max_length=16)
    verdict = models.CharField(max_length=8, choices=[("approve", "approve"), ("decline", "decline")])
    digest = models.CharField(max_length=64)
    terms = models.CharField(max_length=64, help_text="What was signed; it lapses when the version's terms change.")
    comment = models.TextField(blank=True)
    at = models.DateTimeField(db_default=Now())
    entry = models.ForeignKey("governance.Entry", models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["version", "approver", "terms"], name="one_signature_a_person"),
            models.CheckConstraint(condition=~Q(approver=F("proposer")), name="proposer_never_approves"),
        ]

    def __str__(self) -> str:
        return f"{self.verdict} by {self.approver}"


class Remark(models.Model):
    """A question about a version, or an answer: part of its file, and no signature."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    version = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="remarks")
    author = models.ForeignKey(Person, models.PROTECT, related_name="+", db_index=False)
    text = models.TextField()
    at = models.DateTimeField(db_default=Now())
    entry = models.ForeignKey("governance.Entry", models.PROTECT, related_name="+", db_index=False)

    def __str__(self) -> str:
        return f"{self.author} on {self.version_id}"
