"""What the routes of `routes.py` are tried on: each function makes real rows and gives the arguments of the address.

`BODIES` are what is sent, made from the same arguments: a dict is a form on a page and JSON on the API.
"""

from collections.abc import Callable
from typing import Any

from governance.models import PolicyVersion, System
from governance.people import accounts, keys
from governance.people.actors import CONSOLE
from governance.policies import lifecycle
from tests import cast


def none() -> dict[str, Any]:
    return {}


def system() -> dict[str, Any]:
    return {"slug": cast.system().slug}


def system_unnamed() -> dict[str, Any]:
    """The system exists, but the address does not name it."""
    cast.system()
    return {}


def version() -> dict[str, Any]:
    return {"slug": cast.system().slug, "number": 1}


def proposal() -> dict[str, Any]:
    """A proposal of Dana's that loosens, so that Erik, not she, can sign it."""
    found = cast.system()
    lifecycle.propose(found, cast.policy(threshold={"default": 0.8}), by=cast.acting(cast.person("dora", "owner")))
    return {"slug": found.slug, "number": 2}


def approved() -> dict[str, Any]:
    arguments = proposal()
    waiting = PolicyVersion.objects.get(number=2)
    lifecycle.approve(waiting, by=cast.acting(cast.person("frank", "approver")), digest=waiting.digest)
    return arguments


def two_policies() -> dict[str, Any]:
    found = cast.system()
    cast.put_in_force(found, cast.policy(threshold={"default": 0.8}))
    return {"slug": found.slug}


def two_policies_numbered() -> dict[str, Any]:
    return {**two_policies(), "number": 2}


def person() -> dict[str, Any]:
    return {"id": accounts.create("sample@example.org", name="Sample", by=CONSOLE).pk}


def key() -> dict[str, Any]:
    made, _ = keys.create("sample", system=cast.system(), scopes=["outputs:read"], by=CONSOLE)
    return {"id": made.pk}


def _digest(arguments: dict[str, Any]) -> str:
    return PolicyVersion.objects.get(system__slug=arguments["slug"], number=arguments["number"]).digest


BODIES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "nothing": lambda _: {},
    "signed": lambda arguments: {"do": "approve", "digest": _digest(arguments), "comment": ""},
    "signature": lambda arguments: {"digest": _digest(arguments)},
    "policy": lambda _: {"policy": cast.policy(threshold={"default": 0.7}), "because": "To try."},
    "person": lambda _: {"name": "New", "email": "new@example.org", "role": "reviewer", "system": ""},
    "role": lambda _: {"do": "role", "role": "reviewer", "system": ""},
    "key": lambda _: {"name": "new", "system": System.objects.get().slug, "scopes": ["outputs:read"], "person": ""},
}
