"""What each list page and a card cost in queries: the committed numbers, the same with ten rows and with a thousand.

Who is asking (her session; she and her roles) is two of them. A number may fall; one that rises says so here.
"""

from typing import Final

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from reviews.models import Seat
from reviews.queue import marks
from tests import cast
from tests.reviews.desk import desk
from tests.reviews.pages.deciding import decide, queries, signed_in, system

pytestmark = pytest.mark.django_db
PAGES: Final = {
    "/queue/": 10,  # with the notes that wait for her and what she decided at once
    "/history/": 8,  # with the searches that she keeps
    "/history/?system=digits": 9,
    "/history/?q=smudge": 8,
    "/history/sums/": 4,
    "/history/sums/?system=digits": 4,
}
DECIDE, AHEAD = 4, 8
# Decisions as they are when many were taken: copies of one, which only count as taken back.
MORE_DECISIONS: Final = """
INSERT INTO reviews_decision (id, item_id, output_id, system_id, person_id, seat, round, purpose, verdict, reasons,
    is_correct, is_blind, decided_at, final_at, undone_at, undone_entry_id, took_ms, confidence, rule, model_version,
    policy_id, ai_said, person_said, search, entry_id)
SELECT gen_random_uuid(), item_id, output_id, system_id, person_id, seat, round, purpose, verdict, reasons, is_correct,
    is_blind, decided_at, final_at, now(), entry_id, took_ms, confidence, rule, model_version, policy_id, ai_said,
    person_said, search, entry_id
FROM (SELECT * FROM reviews_decision ORDER BY id LIMIT 1) d, generate_series(1, 990)
"""


@pytest.mark.parametrize("url", PAGES)
def test_a_list_page_costs_its_queries_with_ten_rows_and_with_a_thousand(url: str) -> None:
    digits = system()
    for item in desk(digits, 20)[:10]:
        decide(cast.alice(), item, comment="a smudge")
    browser = signed_in(cast.carol())
    browser.get(url)  # what a process reads once
    few = queries(browser, url)
    desk(digits, 1000)
    with connection.cursor() as cursor:
        cursor.execute(MORE_DECISIONS)
    assert (few, queries(browser, url)) == (PAGES[url], PAGES[url])


@pytest.mark.parametrize("waiting", [10, 1000])
def test_deciding_and_the_next_card_cost_a_dozen_queries(waiting: int) -> None:
    marks.forget()
    desk(system(), waiting)
    alice, browser = cast.alice(), Client(headers={"X-Desk": "1"})
    browser.force_login(alice)
    browser.post("/queue/next/")
    browser.post("/review/ahead/")
    costs = []
    for _ in range(4):
        hand, ready = Seat.objects.filter(claimed_by=alice, closed_at=None).order_by("is_soft")
        decided = counted(browser, f"/review/{hand.item_id}/decide/", token=hand.claim_token, verdict="approve")
        shown = counted(browser, "/review/ahead/", token=ready.claim_token, shown=ready.item_id)
        costs.append((decided, shown))
    # Of a queue that a process takes from more than three times a second, it asks at times where to begin.
    assert sorted(costs)[:3] == [(DECIDE, AHEAD)] * 3
    assert max(costs) <= (DECIDE, AHEAD + 1)


def counted(browser: Client, url: str, **data: object) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert browser.post(url, data).status_code in (200, 204)
    # Tests run inside a transaction, where a verb's own is a savepoint.
    return sum("SAVEPOINT" not in query["sql"] for query in captured)
