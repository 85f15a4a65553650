"""A program with a key, as producers and reviewers' tools are."""

import json
from collections.abc import Mapping
from typing import Any

from django.test import Client

from governance.models import Person, System
from tests import cast

JSON = "application/json"
API = "/api/v1/"


class Program:
    """A program with a key: a producer's, or a person's."""

    def __init__(self, system: System, *scopes: str, person: Person | None = None) -> None:
        scopes = scopes or (("reviews:write",) if person else ("outputs:write", "outputs:read", "evidence:read"))
        self.client, self.headers = Client(), cast.bearer(cast.key_for(system, scopes, person))

    def get(self, path: str) -> Any:
        return self.client.get(path if path.startswith("http") else f"{API}{path}", headers=self.headers)

    def post(self, path: str, body: bytes | Mapping[str, Any], kind: str = JSON) -> Any:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.post(f"{API}{path}", data, content_type=kind, headers=self.headers)

    def take(self) -> dict[str, Any] | None:
        answer = self.post("reviews/next/", {})
        return answer.json() if answer.status_code == 200 else None

    def decide(self, taken: Mapping[str, Any], **said: Any) -> Any:
        return self.post(f"reviews/{taken['item']['id']}/decide/", {"claim_token": taken["claim"]["token"], **said})
