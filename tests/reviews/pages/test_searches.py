"""Searches kept under a name, columns of one's choice, and the filter by time to decide."""

import re

import pytest

from reviews import searches
from reviews.models import Decision, SavedSearch
from tests import cast
from tests.reviews.desk import desk
from tests.reviews.pages.deciding import decide, read, signed_in, system


@pytest.fixture
def decided(db) -> Decision:
    (item,) = desk(system())
    return decide(cast.alice(), item, "override", output={"digit": 1}, reasons=["wrong-label"])


def kept(who, **sent) -> int:
    return signed_in(who).post("/history/searches/", sent).status_code


def test_a_search_is_kept_with_its_columns_and_comes_back_by_its_link(decided):
    ruth = cast.ruth()
    assert kept(ruth, name=" Overrides ", query="verdict=override&show=verdict&show=policy") == 302
    page = read(ruth, "/history/")
    link = re.search(r'href="(/history/\?[^"]+)">Overrides</a>', page)[1].replace("&amp;", "&")
    page = read(ruth, link)
    assert str(decided.pk) in page
    assert "<th>Verdict</th>" in page
    assert "<th>System</th>" not in page
    assert ">Overrides</a>" not in read(cast.carol(), "/history/")


def test_a_name_is_taken_once_and_a_search_is_forgotten_by_its_owner_only(decided):
    ruth = cast.ruth()
    kept(ruth, name="Mine", query="verdict=override")
    kept(ruth, name="Mine", query="verdict=reject")
    search = SavedSearch.objects.get()
    assert search.query == "verdict=reject"
    kept(cast.carol(), forget=str(search.pk))
    assert SavedSearch.objects.exists()
    kept(ruth, forget=str(search.pk))
    assert not SavedSearch.objects.exists()


def test_what_cannot_be_kept_is_refused_in_words(decided, monkeypatch):
    ruth = cast.ruth()
    assert kept(ruth, name="", query="verdict=override") == 422
    assert kept(ruth, name="All", query="") == 422
    assert kept(ruth, name="Odd", query="nothing=1") == 422
    monkeypatch.setattr(searches, "MOST", 1)
    assert kept(ruth, name="One", query="verdict=override") == 302
    assert kept(ruth, name="Two", query="verdict=override") == 409


def test_every_column_can_be_shown(decided):
    names = "system ai verdict person sure because who took evidence reasons model policy".split()
    page = read(cast.ruth(), f"/history/?show={'.'.join(names)}")
    assert "wrong-label" in page
    for word in ("Reasons", "Model", "Policy"):
        assert f">{word}</th>" in page


def test_decisions_are_found_by_how_long_they_took(decided):
    Decision.objects.filter(pk=decided.pk).update(took_ms=2500)
    for query, is_found in (("took_from=2.5", True), ("took_to=2.4", False), ("took_from=1&took_to=3", True)):
        assert (f'id="decision-{decided.pk}"' in read(cast.ruth(), f"/history/?{query}")) is is_found
    for wrong in ("soon", "-1", "NaN", "1e99"):
        read(cast.ruth(), f"/history/?took_from={wrong}", status=422)
