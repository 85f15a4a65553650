"""What changed lately in the systems a person sees: policies and certificates, told from their entries in the log."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from governance.evidence import log
from governance.models import Certificate, Entry, Person, PolicyVersion, System
from governance.pages.templatetags import words

MOST_SUBJECTS: Final = 30
_POLICY: Final = {
    "proposed": "proposed {}.", "approved": "signed {}.", "declined": "declined {}.", "activated": "put {} in force.",
    "bootstrapped": "put {} in force before anybody approved it.", "restored": "put {} in force again.",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class News:
    """One change. `who` is "" where no person did it."""

    at: datetime
    entry: UUID
    who: str
    says: str
    is_sealed: bool


def lately(systems: Collection[System], *, most: int = 6) -> list[News]:
    """The newest changes, newest first. Five queries, whatever there is."""
    versions = PolicyVersion.objects.filter(system__in=systems).order_by("-id")[:MOST_SUBJECTS]
    looks = Certificate.objects.filter(system__in=systems).order_by("-id")[:MOST_SUBJECTS]
    about = {pk: f"policy {n} of {slug}" for pk, n, slug in versions.values_list("pk", "number", "system__slug")}
    about |= {pk: f"Look {n} at {slug}" for pk, n, slug in looks.values_list("pk", "look", "system__slug")}
    found = Entry.objects.filter(subject__in=about, type__in=(*_POLICY, "measured")).order_by("-at", "-id")
    entries = [(entry, json.loads(bytes(entry.leaf))) for entry in found[:most]]
    told = [entry.pk for entry, _ in entries]
    sealed = log.places(told)
    actors = {leaf["actor"]["id"] for _, leaf in entries if leaf["actor"]["kind"] == "person"}
    names = {str(pk): name for pk, name in Person.objects.filter(pk__in=actors).values_list("pk", "name")}
    return [
        News(
            entry.at, entry.pk, names.get(leaf["actor"]["id"], "") if entry.type != "measured" else "",
            _says(entry.type, about[entry.subject], leaf.get("detail", {})), entry.pk in sealed,
        )
        for entry, leaf in entries
    ]  # fmt: skip


def _says(type: str, about: str, detail: Mapping[str, Any]) -> str:
    if type == "measured":
        return f"{about} {_found(detail)}."
    return _POLICY[type].format(about)


def _found(detail: Mapping[str, Any]) -> str:
    threshold = detail.get("threshold")
    if isinstance(threshold, int):
        return f"certified {words.threshold(threshold)}"
    state = str(detail.get("state"))
    return {"unproven": "proved nothing yet", "violated": "found too many wrong"}.get(state, f"ended as {state}")
