"""A letter goes out once, whatever fails, and nothing in it is what it was not meant to be."""

from __future__ import annotations

import smtplib
import socket
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.db.models.functions import Now

from governance.models import Letter, Notice, Payload, System
from governance.notices import mails, sending
from governance.notices.sending import SCHEDULE, send_due
from governance.people import accounts
from governance.policies import amending, halting, lifecycle
from tests import cast
from tests.governance.notices.post import Post, post_office

HOSTILE = "Bcc: all@example.org\r\nSubject: won\u202e\u2028<b>bold</b>\x07"


def halted(because: str = "Strange answers.") -> System:
    """A system that Carol halted; Dana and Erik are to be told, and nobody of anything else."""
    system = cast.system()
    Letter.objects.all().delete()
    halting.halt(system, by=cast.acting(cast.carol()), because=because)
    return system


def clock() -> datetime:
    """What PostgreSQL's clock says."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
        return now


def due_again() -> None:
    Letter.objects.waiting().update(next_attempt_at=Now())


@pytest.mark.django_db
def test_a_server_that_fails_and_comes_back_has_each_letter_once(by_smtp: Callable[[Post], None]) -> None:
    halted()
    with socket.socket() as nobody:  # holds its port and listens to none
        nobody.bind(("127.0.0.1", 0))
        by_smtp(Post(port=nobody.getsockname()[1]))
        round = send_due()
    assert (round.attempts, round.sent) == (1, 0)  # nobody is there: the others keep their turn
    assert Letter.objects.waiting().filter(attempts=0).count() == 1
    due_again()
    with post_office() as post:
        by_smtp(post)
        post.answers = [451]
        round = send_due()
        assert (round.attempts, round.sent) == (2, 1)
        due_again()
        send_due()
        assert send_due().attempts == 0
        assert post.readers == ["dana@example.org", "erik@example.org"]
    assert Letter.objects.filter(sent_at__isnull=False, next_attempt_at=None).count() == 2


@pytest.mark.django_db
def test_every_attempt_has_the_same_message_id(by_smtp: Callable[[Post], None]) -> None:
    halted()
    Letter.objects.filter(person__name="Erik").delete()
    with post_office() as post:
        by_smtp(post)
        send_due()
        Letter.objects.update(next_attempt_at=Now(), sent_at=None)  # the sender died before it could note it
        send_due()
        first, second = post.taken
    assert first["Message-ID"] == second["Message-ID"] == f"<{Letter.objects.get().pk}@countersign.example>"
    assert first.as_bytes() == second.as_bytes()


@pytest.mark.django_db
def test_a_letter_waits_longer_each_time_for_a_day_and_is_dead_then(by_smtp: Callable[[Post], None]) -> None:
    halted()
    Letter.objects.filter(person__name="Erik").delete()
    assert 24 * 3600 * 0.95 < sum(SCHEDULE) < 24 * 3600 * 1.05
    with post_office() as post:
        by_smtp(post)
        post.always = 451
        for seconds in SCHEDULE:
            before = clock()
            assert send_due().attempts == 1
            waits_until = Letter.objects.get().next_attempt_at
            assert waits_until is not None
            assert (waits_until - before).total_seconds() >= 0.9 * seconds
            assert (waits_until - clock()).total_seconds() <= 1.1 * seconds
            due_again()
        send_due()
    letter = Letter.objects.get()
    assert letter.dead_at is not None
    assert letter.next_attempt_at is None
    assert "451" in letter.problem


@pytest.mark.django_db
def test_an_address_that_does_not_exist_is_asked_once(by_smtp: Callable[[Post], None]) -> None:
    halted()
    with post_office() as post:
        by_smtp(post)
        post.always = 550
        assert send_due().attempts == 2
    assert Letter.objects.filter(dead_at__isnull=False).count() == 2


def test_two_senders_at_once_send_each_letter_once(committed_db: str, by_smtp: Callable[[Post], None]) -> None:
    for number in range(20):
        cast.person(f"owner{number}", "owner")
    halted()
    wanted = Letter.objects.count()
    assert wanted == 22

    def run() -> None:
        try:
            send_due(seconds=600)
        finally:
            connection.close()

    with post_office() as post:
        by_smtp(post)
        threads = [threading.Thread(target=run) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(post.readers) == len(set(post.readers)) == wanted


@pytest.mark.django_db
def test_whoever_was_thought_dead_and_was_only_slow_changes_nothing() -> None:
    halted()
    letter = sending._take()
    assert letter is not None
    Letter.objects.filter(pk=letter.pk).update(attempts=2)  # another sender took it since
    sending._put_back(letter, smtplib.SMTPServerDisconnected("gone"), SCHEDULE)
    assert Letter.objects.get(pk=letter.pk).problem == ""


@pytest.mark.django_db
def test_what_people_write_is_quoted_text_and_begins_no_header(by_smtp: Callable[[Post], None]) -> None:
    system = halted(HOSTILE)
    System.objects.filter(pk=system.pk).update(name="Di\r\nBcc: all@example.org")
    with post_office() as post:
        by_smtp(post)
        send_due()
    received = post.taken[0]
    assert received["Bcc"] is None
    assert received["Subject"] == "Di Bcc: all@example.org: Halted: nothing goes out alone"
    assert received.get_content_type() == "text/plain"
    text = received.get_content()
    assert "> Bcc: all@example.org" in text
    assert not {"\u202e", "\u2028", "\x07"} & set(text)


@pytest.mark.django_db
def test_a_remark_that_was_erased_before_it_was_sent_is_not_told() -> None:
    system = cast.system()
    version = lifecycle.propose(
        system, cast.policy(threshold={"default": 0.8}), by=cast.acting(cast.dana()), because="Try."
    ).version
    Letter.objects.all().delete()
    amending.ask(version, by=cast.acting(cast.carol()), text="Mr. Smith's case?")
    assert "> Mr. Smith's case?" in str(mails.mail(Letter.objects.get()).body)
    Payload.objects.filter(entry_id=Notice.objects.latest("pk").entry_id).delete()
    assert "Smith" not in str(mails.mail(Letter.objects.get()).body)


@pytest.mark.django_db
def test_after_a_month_it_is_forgotten_what_was_told() -> None:
    halted()
    send_due()
    assert len(mail.outbox) == 2
    assert sending.forget_old() == 0
    Notice.objects.update(at="2026-01-01T00:00:00Z")
    sending.forget_old()
    assert not Letter.objects.exists()


@pytest.mark.django_db
def test_a_person_chooses_on_her_page_among_what_concerns_her_roles() -> None:
    browser = cast.signed_in(cast.alice())
    page = browser.get("/account/notices/").content.decode()
    assert "An item that you put off waits again" in page
    assert "An incident is opened" not in page
    assert browser.post("/account/notices/", {"wanted": ["item.late"]}).status_code == 302
    assert cast.alice().unwanted_mails == ["item.hold_over"]
    assert browser.post("/account/notices/", {"wanted": ["item.late", "item.hold_over", "made-up"]}).status_code == 302
    assert cast.alice().unwanted_mails == []
    accounts.grant_role(cast.alice(), "owner", system=None, by=accounts.Actor("machine", "t"))
    browser.post("/account/notices/", {"wanted": []})
    assert "incident.opened" in cast.alice().unwanted_mails


@pytest.mark.django_db
def test_the_page_says_when_no_mail_is_sent_at_all(settings: Any) -> None:
    settings.SENDS_MAIL = False
    assert "sends no e-mail" in cast.signed_in(cast.alice()).get("/account/notices/").content.decode()
    assert cast.signed_in(cast.eve()).get("/account/notices/").status_code == 200
