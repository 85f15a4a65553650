"""The history of decisions on its page: who reads what, the filters, the sums, and what it costs."""

import re

import pytest
from django.db import connection
from scipy.stats import binomtest

from governance.people import actors
from reviews import decisions, history
from reviews.quality import intervals
from tests import cast
from tests.reviews.desk import desk
from tests.reviews.pages.deciding import decide, queries, read, signed_in, system

ROW = re.compile(r'id="decision-([0-9a-f-]{36})"')


def rows(page: str) -> list[str]:
    return ROW.findall(page)


@pytest.mark.django_db
def test_a_reviewer_reads_her_own_decisions_and_a_lead_everybodys():
    first, second = desk(system(), 2)
    own, other = decide(cast.alice(), first), decide(cast.bob(), second)
    assert rows(read(cast.alice(), "/history/")) == [str(own.pk)]
    assert rows(read(cast.carol(), "/history/")) == [str(other.pk), str(own.pk)]
    assert rows(read(cast.alice(), f"/history/?reviewer={other.person_id}")) == []


@pytest.mark.django_db
def test_who_has_no_history_finds_no_such_room():
    read(cast.eng(), "/history/", status=404)
    read(cast.eve(), "/history/export.csv", status=404)


@pytest.mark.django_db
def test_a_system_that_is_not_hers_is_not_in_it():
    mine, other = system("mine"), system("other")
    decide(cast.alice(), desk(mine)[0])
    decide(cast.bob(), desk(other)[0])
    page = read(cast.person("lena", "lead", system=mine), "/history/")
    assert len(rows(page)) == 1
    assert "other" not in page


@pytest.mark.django_db
def test_half_of_a_round_for_two_is_hidden_from_whoever_could_be_the_other_half():
    pair = {"default": {"queue": "general", "reviewers": 2}, "queues": {"general": {"mode": "pull"}}}
    (item,) = desk(system(routing=pair))
    made = decide(cast.alice(), item)
    assert rows(read(cast.carol(), "/history/")) == []
    assert str(made.pk) not in read(cast.carol(), "/history/export.csv")
    assert rows(read(cast.ruth(), "/history/")) == [str(made.pk)]
    decide(cast.bob(), item)
    assert len(rows(read(cast.carol(), "/history/"))) == 2


@pytest.mark.django_db
def test_her_own_blind_answer_is_not_revealed_while_she_can_take_it_back():
    (item,) = desk(cast.system(), purpose="audit")
    made = decide(cast.alice(), item, None, output={"digit": 7})
    assert rows(read(cast.alice(), "/history/")) == []
    assert rows(read(cast.ruth(), "/history/")) == [str(made.pk)]


@pytest.mark.django_db
def test_an_output_that_she_may_still_judge_blind_tells_nothing_of_an_earlier_round():
    (item,) = desk(system(), purpose="audit")
    right, other_lead = decide(cast.alice(), item, None, output={"digit": 7}), cast.person("lena", "lead")
    assert rows(read(other_lead, "/history/")) == [str(right.pk)]
    decisions.supersede(cast.acting(cast.carol()), right.pk, verdict="override", output={"digit": 1})
    assert rows(read(other_lead, "/history/")) == []
    assert str(right.pk) in rows(read(cast.ruth(), "/history/"))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("system=digits", 3), ("system=none", 0), ("verdict=override", 1), ("rule=threshold:default", 3),
        ("rule=none", 0), ("reason=unreadable", 1), ("model_version=1", 3), ("model_version=2", 0), ("policy=1", 3),
        ("policy=2", 0), ("from=2020-01-01", 3), ("to=2020-01-01", 0), ("confidence_from=62", 3),
        ("confidence_from=62.1", 0), ("confidence_to=62", 3), ("confidence_to=61.9", 0), ("blind=yes", 0),
        ("blind=no", 3), ("corrected=yes", 1), ("corrected=no", 2), ("ai_said=7&person_said=1", 1), ("q=smudge", 1),
        ("q=&system=&verdict=", 3),
    ],
)  # fmt: skip
def test_each_filter_selects_what_it_says(search: str, found: int):
    first, second, third = desk(system(), 3)
    decide(cast.alice(), first)
    decide(cast.alice(), second, "override", output={"digit": 1})
    decide(cast.bob(), third, "reject", reasons=["unreadable"], comment="a smudge")
    assert len(rows(read(cast.ruth(), f"/history/?{search}"))) == found


@pytest.mark.django_db
def test_a_comment_that_she_sees_masked_is_not_found_by_its_words_either():
    (item,) = desk(system())
    made = decide(cast.alice(), item, "reject", reasons=["unreadable"], comment="Martha wrote this")
    for search in ("martha", "martha unreadable", '"wrote this"', "-unknown martha"):
        assert rows(read(cast.ruth(), f"/history/?q={search}")) == [str(made.pk)], search
        assert rows(read(cast.dana(), f"/history/?q={search}")) == [], search
        assert str(made.pk) not in read(cast.dana(), f"/history/export.csv?q={search}")
    # Nor by what is not in it: whoever asks for everything without a word would learn the word.
    assert rows(read(cast.dana(), "/history/?q=unreadable -martha")) == [str(made.pk)]
    assert rows(read(cast.dana(), "/history/?q=unreadable")) == [str(made.pk)]


@pytest.mark.django_db
def test_comments_are_found_by_everybody_where_no_field_is_personal():
    (item,) = desk(system(contract_parts={"personal_data": []}))
    made = decide(cast.alice(), item, comment="Martha wrote this")
    assert rows(read(cast.dana(), "/history/?q=martha")) == [str(made.pk)]


@pytest.mark.django_db
@pytest.mark.parametrize("search", ["verdict=maybe", "confidence_from=x", "confidence_to=101", "blind=1", "from=soon",
                                    "nothing=1", "cursor=x", "q=%00", "ai_said=%00"])  # fmt: skip
def test_a_filter_that_means_nothing_is_refused_in_words_and_kept(search: str):
    read(cast.ruth(), f"/history/sums/?{search}", status=200 if search == "cursor=x" else 422)
    page = read(cast.ruth(), f"/history/?{search}", status=422)
    assert 'class="refused"' in page
    assert "This search cannot be understood." in page


@pytest.mark.django_db
def test_older_and_newer_walk_over_every_decision_once():
    made = [str(decide(cast.alice(), item).pk) for item in desk(system(), 60)]
    seen, url, pages = [], "/history/?verdict=approve", 0
    while url:
        page = read(cast.ruth(), url)
        seen += rows(page)
        pages += 1
        older = re.search(r'rel="next" href="([^"]+)"', page)
        url = older[1].replace("&amp;", "&") if older else ""
    assert seen == made[::-1]
    assert pages == 3
    newer = re.search(r'rel="prev" href="([^"]+)"', page)
    assert rows(read(cast.ruth(), newer[1].replace("&amp;", "&"))) == seen[25:50]


@pytest.mark.django_db
@pytest.mark.parametrize(("url", "most"), [("/history/?system=digits", 9), ("/history/sums/?system=digits", 5)])
def test_the_page_costs_the_same_queries_with_three_rows_and_with_twenty(url: str, most: int):
    items, browser = desk(system(), 20), signed_in(cast.ruth())
    for item in items[:3]:
        decide(cast.alice(), item)
    browser.get(url)  # what a process reads once
    few = queries(browser, url)
    for item in items[3:]:
        decide(cast.bob(), item)
    assert queries(browser, url) == few
    assert few <= most


@pytest.mark.django_db
def test_the_ledger_leads_to_its_sums_and_they_lead_back():
    decide(cast.alice(), desk(system())[0])
    asked = "?system=digits&amp;verdict=approve"
    assert f'href="/history/sums/{asked}"' in read(cast.ruth(), "/history/?system=digits&verdict=approve")
    assert f'href="/history/{asked}"' in read(cast.ruth(), "/history/sums/?system=digits&verdict=approve")
    assert "history-sums" not in read(cast.ruth(), "/history/?verdict=override")


@pytest.mark.django_db
def test_the_statement_counts_overrides_with_their_interval_and_leaves_out_what_was_taken_back():
    items = desk(cast.system(), 4)
    for item in items[:2]:
        decide(cast.alice(), item)
    decide(cast.alice(), items[2], "override", output={"digit": 1})
    undone = decide(cast.alice(), items[3], "override", output={"digit": 2})
    decisions.undo(cast.acting(cast.alice()), undone.pk)
    page, together = read(cast.ruth(), "/history/"), read(cast.ruth(), "/history/sums/")
    low, _ = intervals.interval(1, 3)
    assert "1 override in 3 decisions" in together
    assert "1 taken back or superseded, not counted" in together
    assert f"{low // 1000 / 10}\u202f%" in together
    assert ", taken back" in page
    assert ", not final yet" in page


@pytest.mark.django_db
def test_sums_stop_at_the_latest_decisions_and_say_so(monkeypatch):
    monkeypatch.setattr(history, "LATEST", 4)
    for item in desk(system(), 6):
        decide(cast.alice(), item)
    assert "0 overrides among the latest 4 decisions" in read(cast.ruth(), "/history/sums/?system=digits")


@pytest.mark.django_db
def test_every_cell_of_the_matrix_leads_to_its_rows():
    items = desk(system(), 4)
    for item in items[:3]:
        decide(cast.alice(), item, "override", output={"digit": 1})
    decide(cast.alice(), items[3])
    page = read(cast.ruth(), "/history/sums/?system=digits")
    link = re.search(r'<td data-hot="3"><a href="([^"]+)"[^>]*>3</a>', page)
    assert link
    assert len(rows(read(cast.ruth(), link[1].replace("&amp;", "&")))) == 3
    assert "3 times" in page


@pytest.mark.django_db
def test_simulated_people_are_marked():
    person = cast.person("robo", "reviewer")
    type(person).objects.filter(pk=person.pk).update(is_simulated=True)
    decide(cast.person("robo"), desk(system())[0])
    assert "Robo (simulated)" in read(cast.ruth(), "/history/")


@pytest.mark.django_db
def test_a_hostile_answer_is_text():
    parts = {"output": {"type": "object"}, "correct_when": ["/output/digit"]}
    (item,) = desk(system(contract_parts=parts), digit="<img src=x onerror=alert(1)>")
    decide(cast.alice(), item)
    for url in ("/history/?system=digits", "/history/sums/?system=digits"):
        page = read(cast.ruth(), url)
        assert "<img" not in page
        assert "&lt;img src=x" in page


@pytest.mark.django_db
def test_the_download_holds_what_was_asked_for_and_no_formula():
    first, second = desk(system(), 2)
    decide(cast.alice(), first, comment="=1+1")
    decide(cast.alice(), second, "override", output={"digit": 1})
    sheet = read(cast.ruth(), "/history/export.csv?verdict=approve")
    assert len(sheet.strip().splitlines()) == 2
    assert "'=1+1" in sheet
    assert str(second.pk) not in sheet


@pytest.mark.parametrize(("hits", "trials"), [(0, 10), (1, 3), (5, 10), (26, 317), (10, 10), (1, 100_000)])
def test_the_interval_is_wilsons(hits: int, trials: int):
    reference = binomtest(hits, trials).proportion_ci(0.95, method="wilson")
    low, high = intervals.interval(hits, trials)
    assert low == pytest.approx(reference.low * 1_000_000, abs=1.01)
    assert high == pytest.approx(reference.high * 1_000_000, abs=1.01)
    assert low <= hits * 1_000_000 / trials <= high


def test_of_nothing_the_interval_is_everything():
    assert intervals.interval(0, 0) == (0, 1_000_000)


def test_the_matrix_orders_numbers_as_numbers_and_leaves_rare_answers_out_aloud():
    counts = {(str(n), str(n)): 20 for n in range(9)} | {("10", "10"): 30, ("10", "2"): 8, ("x", "y"): 1}
    found = history.matrix_of(counts)
    assert found.answers == ("0", "1", "2", "3", "4", "5", "6", "7", "8", "10")
    assert (found.worst.ai, found.worst.person, found.worst.count, found.worst.hot) == ("10", "2", 8, 3)
    assert (found.counted, found.left_out) == (218, 1)


FILL = """
INSERT INTO reviews_decision (id, item_id, output_id, system_id, person_id, seat, round, purpose, verdict, reasons,
    is_correct, is_blind, decided_at, final_at, undone_at, undone_entry_id, took_ms, confidence, rule, model_version,
    policy_id, ai_said, person_said, search, entry_id)
SELECT gen_random_uuid(), d.item_id, d.output_id, CASE WHEN n % 50 = 0 THEN d.system_id ELSE %s END,
    CASE WHEN n % 50 = 1 THEN d.person_id ELSE %s END, 1, 1, 'review', CASE WHEN n % 40 = 0 THEN 'reject' ELSE 'approve'
    END, '{}', true, false, now(), now(), now(), d.entry_id, 900, 620000,
    CASE WHEN n % 60 = 0 THEN 'rare' ELSE 'threshold:default' END, '1', d.policy_id, '7', '7',
    to_tsvector('simple', CASE WHEN n % 500 = 0 THEN 'smudge' ELSE 'clear' END), d.entry_id
FROM reviews_decision d, generate_series(1, 30000) n
"""


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("asked", "index"),
    [
        ({}, "reviews_decision_pkey"), ({"system": "digits"}, "decisions_"),
        ({"verdict": "reject", "system": "many"}, "decisions_by_verdict"),
        ({"rule": "rare", "system": "many"}, "decisions_by_rule"), ({"reviewer": "alice"}, "decisions_by_person"),
        ({"q": "smudge"}, "decisions_search"), ({"reason": "rare", "system": "many"}, "decisions_by_reason"),
        ({"model_version": "9", "system": "many"}, "decisions_by_model"),
        ({"ai_said": "rare", "system": "many"}, "decisions_by_answer"),
    ],
)  # fmt: skip
def test_the_main_filters_are_answered_by_an_index(asked: dict[str, str], index: str):
    made = decide(cast.alice(), desk(system())[0])
    many = system("many")
    with connection.cursor() as cursor:
        cursor.execute(FILL.replace("% ", "%% "), [many.pk, cast.bob().pk])
        cursor.execute("ANALYZE reviews_decision, reviews_item, reviews_seat, governance_output")
    if "reviewer" in asked:
        asked = {"reviewer": str(made.person_id)}
    for reader in (cast.ruth(), cast.carol()):
        plan = (
            history.asked_for(history.seen_by(actors.person(reader)), asked, reader=actors.person(reader))
            .order_by("-pk")[:26]
            .explain()
        )
        assert "Seq Scan on reviews_decision" not in plan, plan
        assert index in plan, plan
