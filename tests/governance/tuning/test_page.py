"""The threshold lab through HTTP: what it says, who may see it, and that it works without scripts."""

from __future__ import annotations

import csv
import html
import io
import json
import re

import pytest
from django.test import Client

from governance.models import Certificate, PolicyVersion, System
from governance.people.actors import CONSOLE
from governance.tuning import looks
from tests import cast
from tests.governance.tuning.judged import outputs, several
from tests.governance.tuning.test_looks import fill_good

pytestmark = pytest.mark.django_db
URL = "/systems/digits/tuning/"
NARROW = "\u202f"


@pytest.fixture
def system(db: None) -> System:
    return cast.system(threshold={"default": 1})


def browser(someone) -> Client:
    client = Client()
    client.force_login(someone)
    return client


def text_of(page: bytes) -> str:
    bare = re.sub(r"<(?:script|style|svg)\b.*?</(?:script|style|svg)>|<[^>]+>", " ", page.decode(), flags=re.DOTALL)
    return re.sub(r"[ \n]+", " ", html.unescape(bare))


def heading(page: bytes) -> str:
    found = re.search(r"<h1>(.*?)</h1>", page.decode(), re.DOTALL)
    assert found
    return html.unescape(found[1]).strip()


class TestWhatItSays:
    def test_before_the_first_output_it_says_that_there_is_nothing_to_learn_from(self, system: System) -> None:
        page = browser(cast.dana()).get(URL)
        assert page.status_code == 200
        assert heading(page.content) == "Nothing to learn from yet: no threshold has decided an output."

    def test_a_system_without_a_policy_has_no_threshold_to_measure(self) -> None:
        cast.bare_system()
        assert "no policy in force" in heading(browser(cast.dana()).get(URL).content)

    def test_outputs_without_a_verdict_are_shown_and_prove_nothing(self) -> None:
        outputs(cast.system(), several(20, confidence=950_000))
        page = browser(cast.dana()).get(URL)
        assert page.status_code == 200
        assert heading(page.content) == (  # 183 without a wrong one prove 2 % at the level of a first look
            f"Unproven: about 183 more blind audits could show that at most 2.0{NARROW}% is wrong at 0.90."
        )

    def test_the_heading_is_the_certificate_in_words(self, system: System) -> None:
        fill_good(system)
        looks.look(system, by=CONSOLE)
        page = browser(cast.dana()).get(URL)
        assert heading(page.content) == (
            f"Certified at 0.66: at most 2.0{NARROW}% of what goes out alone is wrong, with 97.5{NARROW}% confidence, "
            "assuming reviewers miss nothing."
        )
        assert "Propose 0.66" in text_of(page.content)

    def test_without_a_look_everything_is_labelled_exploration(self, system: System) -> None:
        fill_good(system)
        page = browser(cast.dana()).get(URL)
        assert heading(page.content) == "A look now would certify 0.66 (exploration, no guarantee)."
        assert "exploration, no guarantee" in text_of(page.content)
        assert not Certificate.objects.exists()

    def test_a_violated_target_is_the_heading(self) -> None:
        system = cast.system(audit={"rate": 0.5})
        outputs(system, several(200, confidence=950_000, audit=True, wrong=40) + several(200, confidence=950_000))
        looks.look(system, by=CONSOLE)
        page = browser(cast.dana()).get(URL)
        assert heading(page.content).startswith("Violated: at 0.90, in force, at least")
        assert "Propose 0" not in text_of(page.content)

    def test_what_it_does_not_say_is_said(self, system: System) -> None:
        fill_good(system)
        text = text_of(browser(cast.dana()).get(URL).content)
        assert "It assumes that reviewers miss nothing" in text
        assert "Outputs of one case count as separate ones" in text

    def test_the_page_never_spends(self, system: System) -> None:
        fill_good(system)
        for query in ("", "?now=1", "?trial=0.5", "?rows=all"):
            assert browser(cast.dana()).get(URL + query).status_code == 200
        assert not Certificate.objects.exists()


class TestTrial:
    def test_another_threshold_is_told_without_scripts(self, system: System) -> None:
        fill_good(system)
        text = text_of(browser(cast.dana()).get(f"{URL}?trial=0.65").content)
        assert "If the threshold were 0.65" in text
        assert "Not certified: the bound is" in text

    def test_every_row_carries_the_texts_that_the_server_would_show_for_it(self, system: System) -> None:
        fill_good(system)
        page = browser(cast.dana()).get(f"{URL}?trial=0.65").content.decode()
        row = re.search(r'<tr data-threshold="650000"[^>]*data-texts="([^"]*)"', page)
        assert row
        for name, words in json.loads(html.unescape(row[1])).items():
            slot = re.search(rf'data-slot="{name}">(.*?)<', page)
            assert slot, name
            assert html.unescape(slot[1]) == words

    @pytest.mark.parametrize("trial", ["", "x", "nan", "inf", "-1", "7", "1e400", "0.6555", "٣"])
    def test_a_trial_that_is_no_threshold_shows_the_nearest_or_the_usual_one(self, system: System, trial: str) -> None:
        fill_good(system)
        page = browser(cast.dana()).get(URL, {"trial": trial, "seconds": trial})
        assert page.status_code == 200

    def test_rates_are_per_thousand_until_seven_days_exist(self, system: System) -> None:
        fill_good(system)
        text = text_of(browser(cast.dana()).get(f"{URL}?trial=0.85").content)
        assert f"921 per 1{NARROW}000" in text  # 700 of 760
        assert "a day" not in text

    def test_the_table_is_behind_the_figure_and_every_row_is_in_the_csv(self, system: System) -> None:
        fill_good(system)
        client = browser(cast.dana())
        page, sheet = client.get(f"{URL}?rows=all").content.decode(), client.get(f"{URL}table.csv")
        found = list(csv.DictReader(io.StringIO(sheet.content.decode())))
        assert len(found) == len(re.findall(r"<tr data-threshold", page)) > 90
        assert found[-1]["threshold"] == "0.0"
        assert found[-1]["released"] == "760"
        assert {row["evidence"] for row in found} == {"exploration, no guarantee"}

    def test_the_figure_carries_no_style_and_no_script(self, system: System) -> None:
        fill_good(system)
        page = browser(cast.dana()).get(URL).content.decode()
        assert not re.search(r'\sstyle\s*=|\son[a-z]+\s*=\s*"', page)
        assert not re.search(r"<script(?![^>]*\ssrc=)", page)


class TestWhoMay:
    @pytest.mark.parametrize(("who", "status"), [
        (cast.carol, 200), (cast.dana, 200), (cast.erik, 200), (cast.ruth, 200),
        (cast.alice, 403), (cast.eng, 403), (cast.eve, 404),
    ])  # fmt: skip
    def test_the_lab_is_for_those_who_may_see_tuning(self, system: System, who, status: int) -> None:
        assert browser(who()).get(URL).status_code == status
        assert browser(who()).get(f"{URL}table.csv").status_code == status

    @pytest.mark.parametrize(
        ("who", "status"), [(cast.dana, 200), (cast.carol, 403), (cast.erik, 403), (cast.eve, 404)]
    )
    def test_only_an_owner_reaches_the_form_that_proposes(self, system: System, who, status: int) -> None:
        assert browser(who()).get(f"{URL}propose/").status_code == status

    def test_strangers_are_sent_to_sign_in(self, system: System) -> None:
        assert Client().get(URL).status_code == 302


class TestProposing:
    def test_an_owner_takes_the_look_and_files_what_it_certifies(self, system: System) -> None:
        fill_good(system)
        client = browser(cast.dana())
        assert client.post(f"{URL}propose/", {"do": "look"}).status_code == 302
        answer = client.post(f"{URL}propose/", {"do": "propose", "because": "Reviewers are <b>bored</b>."})
        version = PolicyVersion.objects.get(state="proposed")
        assert answer.headers["Location"] == f"/systems/digits/proposals/{version.number}/"
        assert json.loads(version.document)["threshold"]["default"] == 0.66
        assert version.because.startswith("Reviewers are <b>bored</b>. Certified at 0.66")

    def test_a_second_look_too_early_is_told_at_the_form(self, system: System) -> None:
        fill_good(system)
        client = browser(cast.dana())
        client.post(f"{URL}propose/", {"do": "look"})
        answer = client.post(f"{URL}propose/", {"do": "look"})
        assert answer.status_code == 409
        assert "the next is due" in text_of(answer.content)

    def test_nobody_else_spends_or_proposes(self, system: System) -> None:
        fill_good(system)
        for someone in (cast.carol(), cast.erik(), cast.ruth()):
            assert browser(someone).post(f"{URL}propose/", {"do": "look"}).status_code == 403
        assert not Certificate.objects.exists()


def test_the_page_costs_the_same_number_of_queries_whatever_was_counted(
    system: System, django_assert_max_num_queries
) -> None:
    client = browser(cast.dana())
    fill_good(system)
    client.get(URL)
    with django_assert_max_num_queries(18) as few:
        client.get(URL)
    outputs(system, several(600, confidence=905_000, wrong=0))
    with django_assert_max_num_queries(18) as many:
        client.get(URL)
    assert len(few) == len(many)
