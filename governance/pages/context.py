"""What every page shows: the rooms of this person, the one she is in, and who she is."""

from functools import cache
from typing import Any, Final

from django.db.models import prefetch_related_objects
from django.http import HttpRequest
from django.urls import Resolver404, resolve

from governance.models import Person
from governance.people import roles

# name, address, the verb that opens it (none: everybody signed in)
_ROOMS: Final = (
    ("Home", "/", None),
    ("Queue", "/queue/", "see the queue"),
    ("History", "/history/", "see history"),
    ("Systems", "/systems/", "see the system"),
    ("Incidents", "/incidents/", "see incidents"),
    ("Evidence", "/evidence/", "see evidence"),
    ("People", "/people/", "manage people"),
    ("Keys", "/keys/", "manage keys"),
    ("Webhooks", "/webhooks/", "manage webhooks"),
)


def rooms(request: HttpRequest) -> dict[str, Any]:
    """`rooms`, each with url, name and current; `role_name`, the roles in words; `request_id`."""
    id = getattr(request, "request_id", "")
    person = getattr(request, "user", None)
    if not isinstance(person, Person):
        return {"rooms": [], "role_name": "", "request_id": id}
    prefetch_related_objects([person], "roles")
    mine = [
        {"url": url, "name": name, "current": _is_in(request.path, url)}
        for name, url, verb in _ROOMS
        if _exists(url) and (verb is None or roles.may(person, verb))
    ]
    return {"rooms": mine, "role_name": ", ".join(sorted(roles.roles_of(person, None))), "request_id": id}


def _is_in(path: str, room: str) -> bool:
    if room == "/queue/" and path.startswith("/review/"):
        return True
    return path == room if room == "/" else path.startswith(room)


@cache
def _exists(url: str) -> bool:
    try:
        resolve(url)
    except Resolver404:
        return False
    return True
