"""Who knocks at the API: a program with a key, or a signed-in person from the browser. Both meet the same rules."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final
from uuid import UUID

from allauth.core.exceptions import ReauthenticationRequired
from django.db import connection
from django.db.models import prefetch_related_objects
from rest_framework import authentication, exceptions, permissions
from rest_framework.request import Request

from governance.models import ApiKey, Person, System
from governance.people import actors, keys, roles, sign_in
from governance.people.actors import Actor
from governance.refusals import NotAllowed, NotFound

if TYPE_CHECKING:  # the framework's views import this module for their defaults
    from rest_framework.views import APIView

# A row is believed for two seconds, so that a revoked key, a lost role or an ended account stops within five.
BELIEVED_SECONDS: Final = 2.0
MOST_BELIEVED: Final = 4096
# Outputs come from programs: each is kept with the key that sent it, and a browser has none.
KEYS_ONLY: Final = frozenset({"outputs:write"})


@dataclass(frozen=True, slots=True)
class Caller:
    """The `request.user` of every API view: the actor, the key it came with (none for a browser's session), the person
    it acts for (none for a producer), and whether she has just signed in."""

    actor: Actor
    key: ApiKey | None
    person: Person | None
    is_fresh: bool = False
    is_authenticated: ClassVar[bool] = True
    is_active: ClassVar[bool] = True

    @property
    def pk(self) -> str:
        return self.actor.id

    def has_scope(self, scope: str) -> bool:
        """Whether the key carries the scope. A session has no scopes: the person's roles alone decide."""
        return self.key is None or scope in self.key.scopes

    def require(self, verb: str, system: System) -> None:
        """Raises NotFound for a system that this caller may not know of, NotAllowed for a verb its person may not do.

        A producer has no roles; what it may do is what its scopes say, which the view has checked already.
        """
        if self.key is not None and self.key.system_id != system.pk:
            raise NotFound("There is nothing here.")
        if self.person is not None:
            roles.require(self.person, verb, system)

    def may(self, verb: str, system: System | UUID) -> bool:
        """Whether `require` would pass."""
        id = system.pk if isinstance(system, System) else system
        if self.key is not None and self.key.system_id != id:
            return False
        return self.person is None or roles.may(self.person, verb, id)

    def systems(self, verb: str) -> set[UUID] | None:
        """The ids of the systems in which this caller may do the verb; None means all of them."""
        allowed = roles.systems_for(self.person, verb) if self.person else None
        if self.key is None:
            return allowed
        return {self.key.system_id} if allowed is None or self.key.system_id in allowed else set()

    def system(self, slug: str, verb: str = "see the system") -> System:
        """The system of that slug, when this caller may do the verb in it. Raises NotFound and NotAllowed."""
        system = System.objects.filter(slug=slug).first() if "\0" not in slug else None
        if system is None:
            raise NotFound("There is nothing here.")
        self.require(verb, system)
        return system

    def actor_in(self, system: System | UUID) -> Actor:
        """The actor with the roles that count in this system, as evidence names it."""
        id = system.pk if isinstance(system, System) else system
        if self.person is None or self.key is not None:
            return self.actor
        return actors.person(self.person, system=id, auth=self.actor.auth)


def must_be_fresh(request: Request) -> None:
    """Sends a person whose sign-in is older than a quarter of an hour to sign in afresh, when she followed a link;
    raises NotAllowed otherwise. A key proves itself with every request."""
    who = caller(request)
    if who.key is not None or who.is_fresh:
        return
    if who.person and request.method == "GET" and "text/html" in request.META.get("HTTP_ACCEPT", ""):
        request._request.user = who.person  # the middleware that sends her there wants the person herself
        raise ReauthenticationRequired
    raise NotAllowed("Sign in once more: this needs a sign-in of the last quarter of an hour.")


def caller(request: Request) -> Caller:
    """Who is at the door. Raises NotAuthenticated when nobody is, which a view's permissions have excluded before."""
    user: object = request.user
    if not isinstance(user, Caller):
        raise exceptions.NotAuthenticated
    return user


# All that a Caller is made of, by the entries that every change of it leaves behind: while this row stays the same, so
# does the Caller, and the models need not be read again.
_STANDS = """
SELECT k.entry_id, k.revoked_at, y.entry_id, p.entry_id, p.is_active,
       ARRAY(SELECT r.id FROM governance_role r WHERE r.person_id = p.id ORDER BY r.id)
FROM governance_apikey k JOIN governance_system y ON y.id = k.system_id
LEFT JOIN governance_person p ON p.id = k.person_id WHERE k.digest = %s
"""


@dataclass(slots=True)
class _Known:
    since: float
    stands: tuple[Any, ...]
    caller: Caller


_believed: dict[str, _Known] = {}


def caller_of(secret: str) -> Caller | None:
    """Who a key speaks for; None for keys that are unknown or revoked, or whose person has left."""
    digest, now = keys.digest_of(secret), time.monotonic()
    known = _believed.get(digest)
    if known and now - known.since < BELIEVED_SECONDS:
        return known.caller
    with connection.cursor() as cursor:
        cursor.execute(_STANDS, [digest])
        stands = cursor.fetchone()
    if known and known.stands == stands:
        known.since = now
        return known.caller
    caller = _read(digest) if stands else None
    if caller is None:
        _believed.pop(digest, None)
        return None
    if len(_believed) >= MOST_BELIEVED:
        _believed.clear()
    _believed[digest] = _Known(now, stands, caller)
    return caller


def _read(digest: str) -> Caller | None:
    key = (
        ApiKey.objects.select_related("system", "person").prefetch_related("person__roles")
        .filter(digest=digest, revoked_at=None).first()
    )  # fmt: skip
    if key is None or (key.person is not None and not key.person.is_active):
        return None
    return Caller(actors.key(key), key, key.person)


def forget() -> None:
    """Empties this process's memory of keys."""
    _believed.clear()


class KeyAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer KEY`."""

    def authenticate(self, request: Request) -> tuple[Caller, ApiKey | None] | None:
        scheme, _, secret = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if not scheme:
            return None
        if scheme.lower() != "bearer":
            raise exceptions.AuthenticationFailed("Send the key as: Authorization: Bearer KEY.")
        caller = caller_of(secret.strip())
        if caller is None:
            raise exceptions.AuthenticationFailed("This key is unknown or was revoked.")
        return caller, caller.key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="countersign"'


class SessionAuthentication(authentication.SessionAuthentication):
    """A person signed in with the browser; her requests carry the CSRF token."""

    def authenticate(self, request: Request) -> tuple[Caller, None] | None:
        person = getattr(request._request, "user", None)
        if not isinstance(person, Person) or not person.is_active:
            return None
        self.enforce_csrf(request)
        prefetch_related_objects([person], "roles")
        actor = actors.person(person, auth=sign_in.auth_of(request._request))
        return Caller(actor, None, person, sign_in.is_fresh(request._request)), None

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="countersign"'


class IsKnown(permissions.BasePermission):
    """Somebody known, and with a key: one that carries the scope which the view asks for.

    A view says `required_scopes = {"GET": "outputs:read", …}`. A method that it does not list is open to people's
    sessions only, so that a forgotten line closes a door and opens none.
    """

    def has_permission(self, request: Request, view: "APIView") -> bool:
        user: object = request.user
        if not isinstance(user, Caller):
            return False
        needed: Mapping[str, str] = getattr(view, "required_scopes", {})
        scope = needed.get("GET" if request.method in ("HEAD", "OPTIONS") else request.method or "")
        if user.key is None:
            self.message = "Only a program with a key may do this."
            return scope not in KEYS_ONLY
        if scope is None or not user.has_scope(scope):
            self.message = f"This key lacks the scope {scope}." if scope else "No key may do this: sign in."
            return False
        return True
