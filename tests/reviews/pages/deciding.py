"""Decisions taken through the verbs, for the pages that tell of them."""

from __future__ import annotations

from typing import Any

from allauth.account.internal.flows.login import record_authentication
from django.db import connection
from django.http import HttpRequest
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.models import Person, System
from reviews import decisions, queue
from reviews.models import Decision, Item
from tests import cast

AT_ONCE = {**cast.POLICY["review"], "undo_seconds": 0}


def system(slug: str = "digits", **blocks: Any) -> System:
    """A system whose decisions are final at once, unless its blocks say otherwise."""
    return cast.system(slug, **{"review": AT_ONCE, **blocks})


def decide(who: Person, item: Item, verdict: str | None = "approve", **more: Any) -> Decision:
    """The decision of this person on this item; with an output and no verdict on a blind one."""
    actor = cast.acting(who, item.system)
    claim = queue.claim_item(actor, item.pk)
    made = decisions.decide(actor, item=item.pk, token=claim.token, verdict=verdict, **more)
    return Decision.objects.get(pk=made.decision)


def signed_in(who: Person) -> Client:
    """A browser in which she has just signed in, and that costs no query for it any more."""
    browser = Client()
    browser.force_login(who)
    request = HttpRequest()
    request.user, request.session = who, browser.session
    record_authentication(request, who, method="password")
    request.session.save()
    return browser


def queries(browser: Client, url: str) -> int:
    """How many queries the page costs."""
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(url).status_code == 200
    return len(captured)


def read(who: Person, url: str, status: int = 200) -> str:
    """The page as this person gets it."""
    answer = signed_in(who).get(url)
    assert answer.status_code == status, answer.status_code
    return b"".join(answer).decode() if answer.streaming else answer.content.decode()
