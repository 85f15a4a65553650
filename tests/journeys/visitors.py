"""Visitors: people in their browsers and programs with their keys, and the doors that they all try."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.test import Client

from governance.models import Entry, Output, Person, System
from governance.people import keys
from reviews.models import Decision, Item
from tests import cast

JSON = "application/json"
API = "/api/v1/"
SCOPES = (
    "outputs:write", "outputs:read", "reviews:write", "decisions:read", "outcomes:write", "policies:read",
    "policies:write", "evidence:read", "webhooks:write",
)  # fmt: skip


class Visitor:
    """Somebody at the doors: a browser in which a person is signed in, or a program with a key."""

    def __init__(self, browser: Client | None = None, secret: str = "") -> None:
        self.client, self.headers = browser or Client(), cast.bearer(secret) if secret else {}

    def get(self, url: str) -> Any:
        return self.client.get(url, headers=self.headers)

    def post(self, url: str, body: Any = None) -> Any:
        data = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        return self.client.post(url, data, content_type=JSON, headers=self.headers)

    def read(self, url: str) -> str:
        """What the door answers, as text; "" where there is nothing for them."""
        answer = self.get(url)
        assert answer.status_code in (200, 302, 403, 404), (url, answer.status_code)
        if answer.status_code != 200:
            return ""
        body = b"".join(answer) if answer.streaming else answer.content
        return str(body.decode())


def signed_in(who: Person) -> Visitor:
    return Visitor(cast.signed_in(who))


def with_key(system: System, *scopes: str, person: Person | None = None) -> Visitor:
    return Visitor(secret=cast.key_for(system, scopes or SCOPES, person))


def producer(system: System) -> Visitor:
    """A program with every scope that needs no person."""
    return with_key(system, *(scope for scope in SCOPES if scope not in keys.NEED_A_PERSON))


def everybody(role: str, system: System) -> Iterator[tuple[str, Visitor]]:
    """A person of this role by both of her ways in: her browser, and a key of hers with every scope."""
    who = cast.person(f"one-{role}", role)
    yield f"{role} in the browser", signed_in(who)
    yield f"{role} with a key", with_key(system, person=who)


def doors(output: Output) -> Iterable[str]:
    """Every door that tells of outputs and decisions."""
    id, system = output.pk, output.system.slug
    yield from (
        "/",
        "/queue/",
        "/queue/summary/",
        "/history/",
        f"/history/?system={system}",
        "/history/export.csv",
        f"/outputs/{id}/",
    )
    yield from (f"{API}outputs/", f"{API}outputs/{id}/", f"{API}outputs/{id}/trace/", f"{API}outputs/?system={system}")
    yield from (f"{API}decisions/", f"{API}decisions/?format=jsonl", f"{API}decisions/?format=csv")
    yield from (f"/systems/{system}/", f"/systems/{system}/tuning/", f"{API}systems/{system}/tuning/", "/evidence/")
    yield from (f"/evidence/{entry}/" for entry in Entry.objects.values_list("pk", flat=True))
    yield from (f"/decisions/{made}/correct/" for made in Decision.objects.values_list("pk", flat=True))
    yield from (f"/review/{item}/" for item in Item.objects.filter(output=output).values_list("pk", flat=True))


def claim_and_decide(who: Person, item: Item, **said: Any) -> Any:
    visitor = with_key(item.system, "reviews:write", person=who)
    claimed = visitor.post(f"{API}reviews/{item.pk}/claim/")
    assert claimed.status_code == 200, claimed.content
    token = claimed.json()["claim"]["token"]
    answer = visitor.post(f"{API}reviews/{item.pk}/decide/", {"claim_token": token, **said})
    assert answer.status_code == 200, answer.content
    return claimed.json()["item"], answer.json()
