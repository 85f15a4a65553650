"""Sending letters: at least once, never twice knowingly, and no transaction open while the mail server decides.

Whoever sends takes a letter under its lock and counts the attempt before it is made; were it to die then, the lease
ends and the next one tries again, with the same Message-ID.
"""

import random
import smtplib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Now

from governance.models import Letter, Notice
from governance.notices import mails
from governance.people import roles

SCHEDULE: Final = (30, 120, 600, 1_800, 7_200, 21_600, 55_000)
"""Seconds from each failed attempt to the next, a day in all; after the last one a letter is dead."""

KEPT: Final = timedelta(days=30)
"""So long it stays known what was sent; the evidence of what happened stays for ever."""

_LEASE_SECONDS: Final = 120
_dice = random.SystemRandom()


@dataclass(slots=True)
class Round:
    """What one round did: attempts made, and how many of them the mail server took."""

    attempts: int = 0
    sent: int = 0


def send_due(limit: int = 200, *, seconds: float = 20.0, schedule: Sequence[float] = SCHEDULE) -> Round:
    """Sends up to `limit` letters that are due, for about so many `seconds`. Any number of these may run at once.

    A mail server that cannot be reached ends the round: the letters behind keep their turn and lose no attempt.
    """
    round, ends, server = Round(), time.monotonic() + seconds, get_connection()
    try:
        while round.attempts < limit and time.monotonic() < ends:
            letter = _take()
            if letter is None:
                break
            round.attempts += 1
            try:
                server.open()
                server.send_messages([mails.mail(letter)])
            except OSError as error:  # smtplib's exceptions are OSErrors too
                _put_back(letter, error, schedule)
                if not _is_about_the_letter(error):
                    break
                _close(server)
            else:
                _end(letter, "sent_at")
                round.sent += 1
    finally:
        _close(server)
    return round


def forget_old() -> int:
    """Takes away notices older than a month of which nothing waits any more; how many letters and notices."""
    from_then = Letter.objects.waiting().values("notice")
    old = Notice.objects.filter(at__lt=Now() - KEPT).exclude(pk__in=from_then)
    return old.delete()[0]


def _take() -> Letter | None:
    """The letter that is longest due, its attempt counted; one that its reader may no longer read is withdrawn."""
    while True:
        with transaction.atomic():
            letter = (
                Letter.objects.select_for_update(skip_locked=True, of=("self",), no_key=True)
                .select_related("notice__system", "person").filter(next_attempt_at__lte=Now())
                .order_by("next_attempt_at", "pk").first()
            )  # fmt: skip
            if letter is None:
                return None
            # By its own roles as they are now: who left, or lost the system, is told nothing of it any more.
            if roles.may(letter.person, "see the system", letter.notice.system_id):
                Letter.objects.filter(pk=letter.pk).update(
                    attempts=F("attempts") + 1, next_attempt_at=_in(_LEASE_SECONDS)
                )
                letter.attempts += 1
                return letter
            _end(letter, "withdrawn_at")


def _put_back(letter: Letter, error: OSError, schedule: Sequence[float]) -> None:
    problem = f"{type(error).__name__}: {error}"[:200].replace("\0", "")
    refused = isinstance(error, smtplib.SMTPRecipientsRefused) and all(
        code >= 500 for code, _ in error.recipients.values()
    )
    if refused or letter.attempts > len(schedule):
        _end(letter, "dead_at", problem=problem)
        return
    pause = schedule[letter.attempts - 1] * _dice.uniform(0.9, 1.1)
    _mine(letter).update(next_attempt_at=_in(pause), problem=problem)


def _end(letter: Letter, column: str, *, problem: str = "") -> None:
    _mine(letter).update(**{column: Now()}, next_attempt_at=None, problem=problem)


def _mine(letter: Letter) -> QuerySet[Letter]:
    """The letter as long as nobody has tried it since: whoever was thought dead and was only slow changes nothing."""
    return Letter.objects.filter(pk=letter.pk, attempts=letter.attempts, next_attempt_at__isnull=False)


def _is_about_the_letter(error: OSError) -> bool:
    """Whether the server is there, and only this message was not to its liking."""
    return isinstance(error, smtplib.SMTPResponseException | smtplib.SMTPRecipientsRefused) and not isinstance(
        error, smtplib.SMTPAuthenticationError | smtplib.SMTPConnectError | smtplib.SMTPHeloError
    )


def _close(server: BaseEmailBackend) -> None:
    try:
        server.close()
    except OSError:
        # What was sent is sent; a server that hangs up first has nothing left to say.
        return


def _in(seconds: float) -> CombinedExpression:
    """A moment from now by PostgreSQL's clock."""
    return Now() + timedelta(seconds=seconds)
