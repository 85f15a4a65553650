"""What the doors of pages ask first: who is this, which system is meant, and may she."""

from urllib.parse import urlencode
from uuid import UUID

from allauth.account.adapter import get_adapter
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from governance.models import Person, System
from governance.people import actors, roles, sign_in
from governance.people.actors import Actor
from governance.refusals import NotAllowed, NotFound


def person(request: HttpRequest) -> Person:
    """Who is signed in, her roles loaded once. Raises NotAllowed when nobody is (a page asks her to sign in before)."""
    someone = request.user
    if not isinstance(someone, Person):
        raise NotAllowed("Sign in first.")
    prefetch_related_objects([someone], "roles")
    return someone


def system(request: HttpRequest, slug: str, verb: str = "see the system") -> System:
    """The system of that slug with its policy in force, when she may do the verb in it. Raises NotFound, NotAllowed."""
    found = System.objects.with_policy().filter(slug=slug).first()
    if found is None:
        raise NotFound("There is nothing here.")
    roles.require(person(request), verb, found)
    return found


def systems(request: HttpRequest, verb: str) -> set[UUID] | None:
    """The ids of the systems in which she may do the verb, None for all. Raises NotFound when there is none: a room
    that is not hers does not exist."""
    found = roles.systems_for(person(request), verb)
    if found is not None and not found:
        raise NotFound("There is nothing here.")
    return found


def actor(request: HttpRequest, system: System | None = None) -> Actor:
    """The actor she is, with the roles that count in the system."""
    return actors.person(person(request), system=system.pk if system else None, auth=sign_in.auth_of(request))


def afresh(request: HttpRequest) -> HttpResponse | None:
    """Where she proves once more who she is before this step; None when she did within a quarter of an hour."""
    if sign_in.is_fresh(request):
        return None
    methods = get_adapter(request).get_reauthentication_methods(person(request))
    url = methods[0]["url"] if methods else "/account/login/"
    # A link is followed to its end afterwards; a form has to be sent again.
    here = request.get_full_path() if request.method == "GET" else request.path
    return redirect(f"{url}?{urlencode({'next': here})}")
