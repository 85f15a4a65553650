"""The threshold lab through HTTP: what it says, who may see it, and that it works without scripts."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.models import Certificate, PolicyVersion, System
from governance.monitoring import incidents
from governance.pages.tuning_figure import figure
from governance.people.actors import CONSOLE
from governance.tuning import audits_for_power, current, looks
from governance.tuning.reading import rows
from reviews.overview import certificates
from tests import cast
from tests.governance.tuning.judged import outputs, several
from tests.governance.tuning.test_looks import fill_good

pytestmark = pytest.mark.django_db
URL = "/systems/digits/tuning/"
NARROW = "\u202f"
COSTS = {"wrong_release": 40, "review": 1.5, "currency": "EUR"}


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


def formatted(count: int) -> str:
    return f"{count:,}".replace(",", NARROW)


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
        assert f"97.5{NARROW}% bound" in html.unescape(page.content.decode())
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
        assert "Outputs that name a case count once a case" in text

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
        page = browser(cast.dana()).get(f"{URL}?trial=0.85").content
        text = text_of(re.findall(rb'<section id="trial".*?</section>', page, re.DOTALL)[0])
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

    def test_the_costs_and_the_confidences_are_in_tables_too(self) -> None:
        system = cast.system(threshold={"default": 1}, risk={**cast.POLICY["risk"], "costs": COSTS})
        fill_good(system)
        text = text_of(browser(cast.dana()).get(URL).content)
        assert "Threshold Out alone Cost At the bound" in text
        assert re.search(r"Cost At the bound .{0,200}cheapest", text)
        assert re.search(r"Cost At the bound .{0,60}€.[0-9]", text)
        assert "90–100 %" in text.replace(NARROW, " ")

    @pytest.mark.parametrize(("query", "most"), [("", 9), ("?now=1", 12)])
    def test_the_lab_asks_the_database_little_however_many_segments_there_are(self, query: str, most: int) -> None:
        parts = [
            {"id": f"s{digit}", "when": {"field": "output.digit", "op": "eq", "value": digit}, "threshold": 1}
            for digit in range(9)
        ]
        vip = {"id": "vip", "when": {"field": "input.email", "op": "eq", "value": "v@example.org"}, "then": "release"}
        system = cast.system(threshold={"default": 1, "segments": parts}, rules=[vip])
        fill_good(system)
        outputs(system, several(5, confidence=300_000, rule="vip", lane="release"))
        looks.look(system, by=CONSOLE)
        client = browser(cast.dana())
        client.get(URL + query)  # compiles the policy once a process
        with CaptureQueriesContext(connection) as queries:
            assert client.get(URL + query).status_code == 200
        assert len(queries) <= most

    def test_the_counts_of_a_page_are_those_of_its_looks(self, system: System) -> None:
        fill_good(system)
        for number in range(2):
            Certificate.objects.update(taken_at=timezone.now() - timedelta(days=9 - number))
            looks.look(system, by=CONSOLE)
        found = current.past(system)
        assert (found.looks, len(found.certificates)) == (2, 2)
        assert found.level == pytest.approx(sum(each.delta for each in Certificate.objects.all()))
        assert found.latest == looks.latest(system)


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
        outputs(system, several(100, confidence=955_000, wrong=30))
        Certificate.objects.update(threshold=1_000_000)
        page = text_of(client.get(f"{URL}propose/").content)
        assert "The next is due on" in page
        assert "Take a look" not in page
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
    with django_assert_max_num_queries(12) as few:
        client.get(URL)
    outputs(system, several(600, confidence=905_000, wrong=0))
    with django_assert_max_num_queries(12) as many:
        client.get(URL)
    assert len(few) == len(many)


class TestBeside:
    """What stands below the figure."""

    def test_it_says_what_to_do_next_and_why_nothing_lower_is_certified(self, system: System) -> None:
        fill_good(system)
        looks.look(system, by=CONSOLE)
        text = text_of(browser(cast.dana()).get(URL).content)
        assert "Propose it; others sign, and nothing changes before they have." in text
        assert "The tests go down from 0.95 and stop at the first threshold that fails, which is 0.65." in text
        assert "1 look" in text
        assert f"2.50{NARROW}% of 5{NARROW}%" in text

    def test_a_certified_threshold_that_costs_more_than_the_one_in_force_says_so(self) -> None:
        dear = {"wrong_release": 4000, "review": 0.5, "currency": "EUR"}
        system = cast.system(threshold={"default": 1}, risk={**cast.POLICY["risk"], "costs": dear})
        fill_good(system)
        looks.look(system, by=CONSOLE)
        text = text_of(browser(cast.dana()).get(URL).content)
        assert re.search(r"It costs €.{1,12} per 1.000 more than the one in force", text)

    def test_the_planner_answers_what_is_asked_and_says_when_it_cannot(self, system: System) -> None:
        fill_good(system)
        client = browser(cast.dana())
        text = text_of(client.get(f"{URL}?aim=0.5&expected=0.1&flow=1000&rate=5&now=1").content)
        audits = audits_for_power(0.005, 0.025, 0.001)
        assert (
            f"{formatted(audits)} verdicts certify 0.5{NARROW}% in four cases of five if 0.1{NARROW}% is wrong" in text
        )
        assert "At 50.0 audits a day that takes" in text
        text = text_of(client.get(f"{URL}?aim=1&expected=3").content)
        assert f"Nothing certifies 1.0{NARROW}% while 3.0{NARROW}% is expected to be wrong." in text

    @pytest.mark.parametrize("of", ["reliability", "confidence", "history", "cost", "segments"])
    def test_every_figure_has_its_csv(self, system: System, of: str) -> None:
        fill_good(system)
        answer = browser(cast.dana()).get(f"{URL}table.csv?of={of}")
        head, *lines = list(csv.reader(io.StringIO(answer.content.decode())))
        assert len(head) > 3
        assert all(len(line) == len(head) for line in lines)
        assert lines or of == "segments"

    def test_there_is_no_csv_of_what_does_not_exist(self, system: System) -> None:
        fill_good(system)
        assert browser(cast.dana()).get(f"{URL}table.csv?of=nonsense").status_code == 404

    def test_the_worst_segment_is_named(self) -> None:
        parts = [
            {"id": name, "when": {"field": "output.digit", "op": "eq", "value": digit}, "threshold": 0.9}
            for name, digit in (("ones", 1), ("twos", 2))
        ]
        system = cast.system(threshold={"default": 1, "segments": parts}, audit={"rate": 1})
        for name, wrong in (("ones", 2), ("twos", 30)):
            outputs(system, several(200, confidence=950_000, wrong=wrong, audit=True, lane="release", segment=name,
                                    rule=f"threshold:{name}", threshold=900_000))  # fmt: skip
        fill_good(system)
        assert f'hx-get="{URL}segments/"' in browser(cast.dana()).get(URL).content.decode()
        text = text_of(browser(cast.dana()).get(f"{URL}segments/").content)
        assert "twos worst" in text

    def test_of_many_segments_the_worst_are_drawn_and_all_are_in_the_table(self) -> None:
        names = [f"s{number:02}" for number in range(14)]
        when = {"field": "input.email", "op": "eq"}
        parts = [{"id": name, "when": {**when, "value": f"{name}@a.org"}, "threshold": 0.9} for name in names]
        system = cast.system(threshold={"default": 1, "segments": parts}, audit={"rate": 1})
        made = [
            one for name in names
            for one in several(60, confidence=950_000, wrong=int(name[1:]), audit=True, lane="release", segment=name,
                               rule=f"threshold:{name}", threshold=900_000)
        ]  # fmt: skip
        outputs(system, made)
        for name in names[1:]:
            looks.look(system, by=CONSOLE, segment=name)
        client = browser(cast.dana())
        client.get(f"{URL}segments/")
        with CaptureQueriesContext(connection) as queries:
            page = client.get(f"{URL}segments/").content.decode()
        assert len(queries) <= 9  # two of them for the one without a look
        assert re.findall(r'id="segment-(s\d\d)"', page) == names[2:]
        assert re.findall(r'<th scope="row"><a [^>]*>(s\d\d)</a>', page) == names
        assert "s13</b> worst" in page
        heights = [float(y) for y in re.findall(r'<circle class="point[^>]* cy="([0-9.]+)"', page)]
        assert len(set(heights)) == len(heights)  # each where it is, none cut off at the top
        assert page.count("<td>violated</td>") > 1

    def test_a_segment_whose_threshold_lets_nothing_out_is_shown_where_its_tests_begin(self) -> None:
        parts = [{"id": "ones", "when": {"field": "output.digit", "op": "eq", "value": 1}, "threshold": 1}]
        system = cast.system(threshold={"default": 1, "segments": parts})
        outputs(system, several(200, confidence=950_000, wrong=2, segment="ones", rule="threshold:ones",
                                threshold=1_000_000))  # fmt: skip
        fill_good(system)
        page = browser(cast.dana()).get(f"{URL}segments/").content.decode()
        assert "ones</b> worst" in page
        assert f"1.0{NARROW}%, ≤" in html.unescape(page)

    def test_however_wrong_a_threshold_is_its_figure_shows_how_wrong(self) -> None:
        system = cast.system(audit={"rate": 0.5})
        outputs(system, several(200, confidence=950_000, audit=True, wrong=90) + several(200, confidence=950_000))
        looks.look(system, by=CONSOLE)
        explored = looks.exploration(system)
        assert explored is not None
        every = rows(explored.reading, goal=0.02)
        shape = {"width": 960, "height": 352, "left": 44, "right": 118}
        marks = {"goal": 0.02, "level": 0.025, "certified": None, "trial": 900_000}
        drawn = figure("wide", every, explored.reading, **marks, **shape)
        assert drawn is not None
        assert drawn.most > 0.45
        assert all(mark.point is not None for mark in drawn.marks)

    def test_the_same_number_of_missing_verdicts_is_named_at_the_top_and_in_the_reason(self, system: System) -> None:
        outputs(system, several(100, confidence=955_000, wrong=0))
        looks.look(system, by=CONSOLE)
        page = browser(cast.dana()).get(URL).content
        assert "about 137 more decided outputs" in heading(page)
        assert "about 137 more verdicts would just do" in text_of(page)

    def test_a_guard_that_counts_no_audits_says_nothing_against_the_certificate(self) -> None:
        system = cast.system(audit={"rate": 0.5})
        outputs(system, several(400, confidence=950_000, audit=True, wrong=0) + several(400, confidence=950_000))
        certificate = looks.look(system, by=CONSOLE)
        incidents.open_incident(
            system, by=CONSOLE, kind="alarm", title="Too many wait", version=system.in_force,
            facts={"guard": "backlog", "done": "The system was halted.", "waiting": 9, "allowed": 5},
        )  # fmt: skip
        assert looks.standing(certificate).is_good
        assert heading(browser(cast.dana()).get(URL).content).startswith("Certified at 0.")
        known = certificates([system])[system.pk]
        assert known
        assert not known.is_alarmed

    def test_an_alarm_makes_the_certificate_violated(self) -> None:
        system = cast.system(audit={"rate": 0.5})
        outputs(system, several(400, confidence=950_000, audit=True, wrong=0) + several(400, confidence=950_000))
        certificate = looks.look(system, by=CONSOLE)
        assert looks.standing(certificate).is_good
        incidents.open_incident(
            system, by=CONSOLE, kind="alarm", title="Too many", version=system.in_force,
            facts={"wrong": 9, "audits": 40, "after": 30, "target": 20_000},
        )  # fmt: skip
        standing = looks.standing(certificate)
        assert (standing.state, standing.is_good) == ("violated", False)
        assert "9 of 40 wrong" in standing.sentence
        text = text_of(browser(cast.dana()).get(f"{URL}?trial=0.9").content)
        assert "It passed when the look was taken" in text
        assert "Propose 0.9" not in text


class TestStart:
    def test_a_start_is_suggested_from_what_an_error_and_a_review_are_worth(self, system: System) -> None:
        client = browser(cast.dana())
        asked = {"wrong_release": "40", "review": "1.5", "currency": "EUR", "per_day": "500"}
        text = text_of(client.post(f"{URL}start/", {**asked, "do": "suggest"}).content)
        assert f"Start with at most 1.0{NARROW}% wrong" in text
        assert f"more often than 3.8{NARROW}%" in text

    def test_proposing_it_files_a_policy_that_reviews_everything(self) -> None:
        system = cast.system()
        asked = {"wrong_release": "40", "review": "1.5", "currency": "EUR", "per_day": "500", "do": "propose"}
        answer = browser(cast.dana()).post(f"{URL}start/", asked)
        assert answer["Location"] == "/systems/digits/proposals/2/"
        document = json.loads(PolicyVersion.objects.get(system=system, number=2).document)
        assert document["threshold"]["default"] == 1
        assert document["risk"]["target"] == 0.01
        assert 0 < document["audit"]["rate"] <= 1
        assert document["routing"] == cast.POLICY["routing"]

    def test_what_cannot_be_is_refused_at_its_field(self, system: System) -> None:
        answer = browser(cast.dana()).post(f"{URL}start/", {"wrong_release": "-1", "review": "x", "per_day": "0"})
        assert answer.status_code == 422
        assert not PolicyVersion.objects.filter(number=2).exists()
