"""What the home page says: its one sentence by role, the tasks with one verb each, the state of a certificate. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from governance.pages.templatetags import words

if TYPE_CHECKING:
    from governance.models import Certificate
    from reviews.overview import QueueLine

_SMALL: Final = tuple("none one two three four five six seven eight nine ten eleven twelve".split())


@dataclass(frozen=True, slots=True)
class Task:
    """Something that waits for this person, and the one thing to do about it."""

    icon: str
    title: str
    note: str
    url: str
    verb: str


def how_many(number: int) -> str:
    """A count, up to twelve in words."""
    return _SMALL[number] if number < len(_SMALL) else words.number(number)


def count(number: int, noun: str, nouns: str = "") -> str:
    """`one policy`, `64 answers`."""
    return f"{how_many(number)} {noun if number == 1 else nouns or noun + 's'}"


def sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def waiting(lines: Sequence[QueueLine]) -> str:
    """`64 answers wait for a person. Four are overdue.`"""
    total, overdue = sum(line.waiting for line in lines), sum(line.overdue for line in lines)
    if total == 0:
        return "No answer waits for a person."
    capped = "more than " if any(line.is_capped for line in lines) else ""
    said = sentence(f"{capped}{count(total, 'answer')} {'waits' if total == 1 else 'wait'} for a person.")
    if overdue == 0:
        return f"{said} None is overdue."
    if overdue == total:
        return f"{said} {'It is' if total == 1 else 'All are'} overdue."
    return f"{said} {sentence(how_many(overdue))} {'is' if overdue == 1 else 'are'} overdue."


def signing(number: int) -> str:
    """What waits for a signature."""
    if number == 0:
        return "No policy waits for your signature."
    return sentence(f"{count(number, 'policy', 'policies')} {'waits' if number == 1 else 'wait'} for your signature.")


def telling(dead: int) -> str:
    """Whether the producers hear what they are owed."""
    if dead == 0:
        return "Every message to a producer has arrived or is on its way."
    return sentence(f"{count(dead, 'message')} to producers could not be delivered.")


def governing(systems: int) -> str:
    """For whoever only looks on."""
    if systems == 0:
        return "No system is under governance yet."
    return sentence(f"{count(systems, 'system')} {'answers' if systems == 1 else 'answer'} to a written policy.")


@dataclass(frozen=True, slots=True)
class State:
    """How well the risk of a system is known: the word that counts, and the rest."""

    word: str
    rest: str = ""
    is_bad: bool = False


def state(
    certificate: Certificate | None, *, model: tuple[str, str] | None, now: datetime, in_force: int | None
) -> State:
    """The certificate as it stands today, beside the threshold in force (millionths)."""
    if certificate is None:
        return State("Not looked at yet")
    if certificate.expires_at <= now:
        return State("Expired", f"look {certificate.look} was on {words.day(certificate.taken_at)}")
    if model is not None and model != (certificate.model, certificate.model_version):
        return State("Frozen", f"{model[0]} {model[1]} answers now")
    if getattr(certificate, "is_alarmed", False):
        return State("Violated", "the audits have alarmed since", is_bad=True)
    target = f"at most {words.percent_up(certificate.target, 1)} wrong"
    if certificate.threshold is not None and certificate.state in ("certified", "certified-provisional"):
        where = words.threshold(certificate.threshold)
        lower = in_force is not None and certificate.threshold < in_force
        rest = target if certificate.state == "certified" else f"{target}, if reviewers miss nothing"
        return State(f"Certified lower, at {where}" if lower else f"Certified at {where}", rest)
    if certificate.state == "violated":
        return State("Violated", f"more than {words.percent(certificate.target, 1)} are wrong", is_bad=True)
    if certificate.state == "frozen":
        return State("Frozen", "the evidence is no random sample")
    return State("Unproven", f"look {certificate.look} could not show {target}")
