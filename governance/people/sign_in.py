"""Signing in: who may get an account (nobody by herself), and how fresh and how strong a session's proof is."""

import base64
import hashlib
import time
from typing import Any

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse

from governance.models import Person, Role
from governance.people import actors, factors
from governance.people.actors import Actor
from governance.people.roles import is_privileged, with_roles


class Adapter(DefaultAccountAdapter):
    """Accounts are made by an administrator."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def post_login(self, request: HttpRequest, user: AbstractBaseUser, **how: Any) -> HttpResponse:
        """A person of power has signed in: that is evidence."""
        if isinstance(user, Person) and is_privileged(user):
            factors.signed_in(user, by=actors.person(user, auth=auth_of(request)))
        return super().post_login(request, user, **how)

    def get_reauthentication_methods(self, user: AbstractBaseUser | AnonymousUser) -> list[dict[str, Any]]:
        """Who has a second factor shows that one: a password may have been read over her shoulder."""
        methods = super().get_reauthentication_methods(user)
        by_code = [method for method in methods if method["id"] == "mfa_reauthenticate"]
        return by_code or methods

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Signing in counts as fresh for a quarter of an hour, here as everywhere."""
        return not is_fresh(self.request)


class FactorAdapter(DefaultMFAAdapter):
    """Secrets of second factors lie encrypted in the database, under keys made from SECRET_KEY."""

    def encrypt(self, text: str) -> str:
        return _locks().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _locks().decrypt(encrypted_text.encode()).decode()


def _locks() -> MultiFernet:
    keys = [str(settings.SECRET_KEY), *map(str, settings.SECRET_KEY_FALLBACKS)]
    digests = [hashlib.sha256(b"second factor\0" + key.encode()).digest() for key in keys]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])


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
    return next((way for way in ("webauthn", "totp", "recovery_codes") if way in ways), "password")


def actor(request: HttpRequest) -> Actor:
    """The actor that the signed-in person of a page request is."""
    return actors.person(request.user, auth=auth_of(request))  # type: ignore[arg-type]


def _proofs(request: HttpRequest) -> list[dict[str, Any]]:
    person = request.user
    return get_authentication_records(request, person) if isinstance(person, Person) else []
