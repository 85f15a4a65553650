"""Signing in: who may get an account (nobody by herself), and how fresh and how strong a session's proof is."""

import time
from typing import Any

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from allauth.account.internal.flows.login import get_authentication_records
from django.http import HttpRequest

from governance.models import Person, Role
from governance.people import actors
from governance.people.actors import Actor
from governance.people.roles import with_roles


class Adapter(DefaultAccountAdapter):
    """Accounts are made by an administrator."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


class Backend(AuthenticationBackend):
    """Signs people in as allauth does, and knows whoever is signed in together with her roles."""

    def get_user(self, user_id: Any) -> Person | None:
        """The person of a session, her roles read with her, in one query; None when her account has ended."""
        held = list(Role.objects.filter(person=user_id).select_related("person"))
        person = held[0].person if held else super().get_user(user_id)
        if not isinstance(person, Person) or not self.user_can_authenticate(person):
            return None
        return with_roles(person, held)


def is_fresh(request: HttpRequest) -> bool:
    """Whether this person proved who she is within the last quarter of an hour."""
    at = [record["at"] for record in _proofs(request)]
    return bool(at) and time.time() - max(at) < app_settings.REAUTHENTICATION_TIMEOUT


def auth_of(request: HttpRequest) -> str:
    """How the person of this session proved who she is, as evidence names it; the strongest way counts."""
    ways = {record.get("type") or record.get("method") for record in _proofs(request)}
    return next((way for way in ("webauthn", "totp") if way in ways), "password")


def actor(request: HttpRequest) -> Actor:
    """The actor that the signed-in person of a page request is."""
    return actors.person(request.user, auth=auth_of(request))  # type: ignore[arg-type]


def _proofs(request: HttpRequest) -> list[dict[str, Any]]:
    person = request.user
    return get_authentication_records(request, person) if isinstance(person, Person) else []
