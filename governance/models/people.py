"""People, what they may do where, and the keys that programs carry."""

from typing import Any, ClassVar
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower, Now
from uuid_utils.compat import uuid7

from governance.worktime import Calendar

ROLE_NAMES = ("reviewer", "lead", "owner", "approver", "auditor", "engineer", "admin")


class PersonManager(BaseUserManager["Person"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "Person":
        """A new person; without a password she cannot sign in until one is set."""
        person = self.model(email=self.normalize_email(email).lower(), **fields)
        person.set_password(password)
        person.save(using=self._db)
        return person

    def get_by_natural_key(self, username: str | None) -> "Person":
        return self.get(email__iexact=username)


class Person(AbstractBaseUser):
    """Somebody with an account. The id is what the evidence calls her; name and address never enter the log."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120)
    is_active = models.BooleanField(default=True)
    is_simulated = models.BooleanField(default=False)
    uses_single_keys = models.BooleanField(default=True)
    desk_keys = models.JSONField(default=dict, help_text="The keys of the workbench that differ from the usual ones.")
    unwanted_mails = ArrayField(
        models.CharField(max_length=32),
        db_default=[],
        default=list,
        help_text="Kinds of notices that she wants no e-mail of.",
    )
    created_at = models.DateTimeField(db_default=Now())
    second_factor_at = models.DateTimeField(null=True, help_text="Since when she signs in with a second factor.")
    entry = models.ForeignKey("governance.Entry", models.PROTECT, related_name="+", db_index=False)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]
    objects: ClassVar[PersonManager] = PersonManager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(Lower("email"), name="one_person_per_address"),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        return self.name

    @property
    def is_staff(self) -> bool:
        return self.is_active and any(role.name == "admin" for role in self.roles.all())

    def has_perm(self, perm: str, obj: object = None) -> bool:
        # The admin site only reads: whoever writes does it through a verb, which leaves evidence.
        return self.is_staff and ".view_" in perm

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_staff


class Role(models.Model):
    """A role that a person has in one system, or in all when `system` is null."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    person = models.ForeignKey(Person, models.CASCADE, related_name="roles")
    name = models.CharField(max_length=16, choices=[(name, name) for name in ROLE_NAMES])
    system = models.ForeignKey("governance.System", models.CASCADE, null=True, blank=True, related_name="roles")
    entry = models.ForeignKey("governance.Entry", models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["person", "name", "system"], name="a_role_once", nulls_distinct=False),
            models.CheckConstraint(condition=models.Q(name__in=ROLE_NAMES), name="a_known_role"),
        ]

    def __str__(self) -> str:
        return self.name


class Skill(models.Model):
    """Something that a person is qualified for in a system; routing asks for it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    person = models.ForeignKey(Person, models.CASCADE, related_name="skills")
    system = models.ForeignKey("governance.System", models.CASCADE, related_name="skills")
    name = models.CharField(max_length=64)
    expires_at = models.DateTimeField(
        null=True, help_text="From then on it counts no longer; null: it does not expire."
    )
    entry = models.ForeignKey("governance.Entry", models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["person", "system", "name"], name="a_skill_once"),
        ]

    def __str__(self) -> str:
        return self.name


class Presence(models.Model):
    """When a person works, as far as she has said so. Whoever has no row is there at any time."""

    person = models.OneToOneField(Person, models.CASCADE, primary_key=True, related_name="presence")
    zone = models.CharField(max_length=64, default="UTC")
    hours = models.JSONField(null=True, help_text="Seven lists of spans in minutes, Monday first; null: at any time.")
    paused_at = models.DateTimeField(null=True, help_text="Since when she takes nothing new; null: she does.")
    entry = models.ForeignKey("governance.Entry", models.PROTECT, related_name="+", db_index=False)

    def __str__(self) -> str:
        return f"presence of {self.person_id}"

    @property
    def calendar(self) -> Calendar | None:
        """Her weekly hours; None when she has said none."""
        if self.hours is None:
            return None
        return Calendar(self.zone, tuple(tuple((start, end) for start, end in day) for day in self.hours))


class Absence(models.Model):
    """Time off: from then until then the person takes nothing."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    person = models.ForeignKey(Person, models.CASCADE, related_name="absences")
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    entry = models.ForeignKey("governance.Entry", models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=models.Q(begins_at__lt=models.F("ends_at")), name="an_absence_ends_later"),
        ]

    def __str__(self) -> str:
        return f"absence of {self.person_id}"


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def of(self, systems: set[UUID] | None) -> "ApiKeyQuerySet":
        """The keys to the systems of these ids; None means to all."""
        return self if systems is None else self.filter(system__in=systems)


class ApiKey(models.Model):
    """A program's key to one system. Only the hash is kept; the prefix is what a person recognises it by."""

    SCOPES = (
        "outputs:write", "outputs:read", "reviews:write", "decisions:read", "outcomes:write",
        "policies:read", "policies:write", "evidence:read", "webhooks:write",
    )  # fmt: skip

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=80)
    system = models.ForeignKey("governance.System", models.PROTECT, related_name="keys")
    person = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="keys")
    prefix = models.CharField(max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=32))
    created_at = models.DateTimeField(db_default=Now())
    revoked_at = models.DateTimeField(null=True, blank=True)
    entry = models.ForeignKey("governance.Entry", models.PROTECT, related_name="+", db_index=False)

    objects = ApiKeyQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
