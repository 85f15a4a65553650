"""What a letter says: one sentence, what somebody wrote about it as plain text, and where to read on.

Nothing of an output is in it, neither what was put in nor what an AI answered: mail lies about where the product cannot
mask or erase it.
"""

import unicodedata
from collections.abc import Callable
from email.utils import format_datetime
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage

from governance.models import Letter, Notice, Payload
from governance.notices.kinds import KINDS

MOST_SUBJECT: Final = 150
MOST_SAID: Final = 2_000
_WRITTEN: Final = ("comment", "text", "because")
_STEPS: Final = {
    "remind": "Items are late and wait for their people", "raise": "Late items came to the front",
    "escalate": "Late items were escalated",
}  # fmt: skip
_DECIDED: Final = {
    "done": "signed and holds", "declined": "declined", "lapsed": "off the table: the tier was raised meanwhile",
}  # fmt: skip

_SENTENCES: Final[dict[str, Callable[[dict[str, Any]], str]]] = {
    "policy.proposed": lambda f: f"Policy {f['version']}, which {_direction(f)}, waits for a signature",
    "policy.asked": lambda f: f"A remark on policy {f['version']}",
    "policy.approved": lambda f: f"Policy {f['version']} is signed{'' if f['done'] else '; one more is missing'}",
    "policy.declined": lambda f: f"Policy {f['version']} is declined",
    "policy.activated": lambda f: f"Policy {f['version']} is in force",
    "policy.refused": lambda f: f"Policy {f['version']} could not begin at its hour",
    "policy.rolled_back": lambda f: (
        f"The trial of policy {f['replaced']} is ended" if f["version"] is None
        else f"Policy {f['version']} is in force again instead of {f['replaced']}"
    ) + (", by a guard" if f["guarded"] else ""),
    "system.halted": lambda f: f"Halted{' by a guard' if f['guarded'] else ''}: nothing goes out alone",
    "system.lifted": lambda f: "The halt is lifted",
    "incident.opened": lambda f: f"An incident is opened ({f['origin']})",
    "tier.asked": lambda f: f"A lower risk tier, {f['becomes']} instead of {f['was']}, waits for a signature",
    "tier.decided": lambda f: f"The lower risk tier {f['becomes']} is {_DECIDED[f['state']]}",
    "item.late": lambda f: f"{_STEPS[f['step']]} in {f['queue']}",
    "item.escalated": lambda f: f"{_STEPS[f['step']]} in {f['queue']}",
    "item.hold_over": lambda f: f"An item that you put off waits again in {f['queue']}",
}  # fmt: skip


def headline(notice: Notice) -> str:
    """`Form digits: policy 4 …`, in one line of at most 150 characters."""
    return _line(f"{notice.system.name}: {_SENTENCES[notice.kind](notice.facts)}")[:MOST_SUBJECT]


def link(notice: Notice) -> str:
    """Where to read on, at this installation's own address."""
    slug, facts = notice.system.slug, notice.facts
    room = notice.kind.partition(".")[0]
    path = {
        "policy": f"/systems/{slug}/proposals/{facts.get('version') or facts.get('replaced')}/",
        "system": f"/systems/{slug}/halt/", "incident": f"/incidents/{notice.subject}/",
        "tier": f"/systems/{slug}/tier/", "item": "/queue/",
    }[room]  # fmt: skip
    return f"{settings.PUBLIC_URL}{path}"


def mail(letter: Letter) -> EmailMessage:
    """The message of a letter, the same on every attempt. Its notice, system and person are loaded."""
    notice = letter.notice
    title, written = headline(notice), _written(notice.entry_id)
    parts = [f"{title}.", *([written] if written else []), *([_line(why)] if (why := notice.facts.get("why")) else [])]
    body = "\n\n".join([
        *parts, link(notice),
        f"-- \nYou are told because: {_because(notice.kind)}. What is sent to you you choose at\n"
        f"{settings.PUBLIC_URL}/account/notices/",
    ])  # fmt: skip
    headers = {
        "Message-ID": f"<{letter.pk}@{urlsplit(settings.PUBLIC_URL).hostname or 'localhost'}>",
        "Date": format_datetime(notice.at),
        "Auto-Submitted": "auto-generated",
    }
    return EmailMessage(title, f"{body}\n", to=[letter.person.email], headers=headers)


def _written(entry: UUID) -> str:
    """What the person who did it wrote with it, each line marked as quoted; "" when nothing, or when it was erased."""
    payload = Payload.objects.filter(entry_id=entry, name__in=_WRITTEN).order_by("name").first()
    if payload is None or payload.content is None:
        return ""
    said = bytes(payload.content).decode(errors="replace")
    cut = said[:MOST_SAID] + ("…" if len(said) > MOST_SAID else "")
    return "\n".join(f"> {_line(line)}" for line in cut.splitlines())


def _line(text: str) -> str:
    """The text as one line: no line break that could begin a header, no control or direction mark that could disguise
    what is read."""
    kept = (
        " " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text if unicodedata.category(c) != "Cf"
    )
    return " ".join("".join(kept).split())


def _because(kind: str) -> str:
    says = KINDS[kind].says
    return says[0].lower() + says[1:]


def _direction(facts: dict[str, Any]) -> str:
    return "loosens" if facts["loosens"] else "tightens"
