"""What a card costs: the same number of queries with two items waiting and with forty, decided ones or none."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests import cast
from tests.reviews.desk import desk

pytestmark = pytest.mark.django_db
# Who is asking (session, person, roles) included.
MOST_FOR_THE_PAGE = 12
MOST_FOR_THE_QUEUE = 9


def counted(browser: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert browser.get(address).status_code == 200
    return len(queries)


def test_the_pages_cost_the_same_number_of_queries_however_much_waits() -> None:
    system = cast.system()
    browser = Client()
    browser.force_login(cast.alice())
    seen = []
    for count, decided in ((2, 0), (40, 12)):
        desk(system, count)
        for _ in range(decided):
            at = browser.post("/queue/next/").headers["Location"]
            token = browser.get(at).context["card"].claim.token
            browser.post(f"{at}decide/", {"token": token, "verdict": "approve"})
        at = browser.post("/queue/next/").headers["Location"]
        browser.get(at)
        seen.append((counted(browser, at), counted(browser, "/queue/")))
    assert seen[0] == seen[1]
    assert seen[0][0] <= MOST_FOR_THE_PAGE
    assert seen[0][1] <= MOST_FOR_THE_QUEUE
    print(seen)
