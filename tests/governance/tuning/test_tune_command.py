"""`manage.py tune`, and the same result over the API, against counting everything by brute force."""

from __future__ import annotations

import io
import json
import random
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from scipy import stats

from governance.models import Certificate, PolicyVersion, System
from governance.tuning.samples import GRID
from tests import cast
from tests.governance.tuning import brute_force
from tests.governance.tuning.judged import outputs, several
from tests.governance.tuning.test_looks import fill_good

pytestmark = pytest.mark.django_db


def tune(*arguments: str) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("tune", "--system", "digits", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def told(*arguments: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(tune("--json", *arguments)[0])
    return answer


def drawn(seed: int, *, threshold: int, rate: float, count: int) -> list[tuple[int, bool, bool | None]]:
    """(confidence, goes out, wrong or nobody asked) of a model that errs more where it is less sure."""
    dice, made = random.Random(seed), []
    for _ in range(count):
        confidence = int(1_000_000 * dice.betavariate(9, 1.1))
        wrong = dice.random() < 0.004 + 0.5 * (1 - confidence / 1e6) ** 1.6
        is_out = confidence >= threshold
        made.append((confidence, is_out, wrong if not is_out or dice.random() < rate else None))
    return made


def stored(system: System, made: list[tuple[int, bool, bool | None]]) -> None:
    outputs(system, [
        {"confidence": confidence, "wrong": wrong, "audit": is_out and wrong is not None}
        for confidence, is_out, wrong in made
    ])  # fmt: skip


class TestAgainstBruteForce:
    @pytest.mark.parametrize(("seed", "target"), [(1, 0.05), (2, 0.06), (3, 0.08), (5, 0.1)])
    def test_both_strata_agree_with_enumerating_both_binomials(self, seed: int, target: float) -> None:
        system = cast.system(audit={"rate": 0.3})
        made = drawn(seed, threshold=900_000, rate=0.3, count=420)
        stored(system, made)
        explored = told("--target", str(target), "--confidence", "0.9")["exploration"]
        expected = brute_force.chain(made, edges=GRID, start=900_000, target=target, delta=0.1)
        assert [round(step["threshold"] * 1e6) for step in explored["steps"]] == [edge for edge, _ in expected]
        for step, (_, p) in zip(explored["steps"], expected, strict=True):
            # What the finite grids may miss of the worst split, and the margin that the product adds for it.
            assert step["p"] == pytest.approx(p, rel=3e-3)
        passed = [edge for edge, p in expected if p <= 0.1]
        assert explored["threshold"] == (min(passed) / 1e6 if passed else None)
        assert len(expected) > 1 or not passed

    def test_where_everything_was_reviewed_the_bound_is_that_of_clopper_and_pearson(self) -> None:
        system = cast.system(threshold={"default": 1})
        made = drawn(7, threshold=1_000_001, rate=0, count=900)
        stored(system, made)
        explored = told("--target", "0.03", "--confidence", "0.95")["exploration"]
        assert len(explored["steps"]) > 1
        for step in explored["steps"]:
            above = [wrong for confidence, _, wrong in made if confidence >= round(step["threshold"] * 1e6)]
            wrong, n = sum(map(bool, above)), len(above)
            assert step["reviewed"] == {"outputs": n, "labels": n, "wrong": wrong}
            assert step["p"] == pytest.approx(stats.binom.cdf(wrong, n, 0.03), abs=1e-12)
            bound = stats.binomtest(wrong, n).proportion_ci(confidence_level=0.90, method="exact").high
            assert step["upper_bound"] == pytest.approx(bound, abs=1e-9)
        first = next(edge for edge in sorted(GRID, reverse=True) if sum(c >= edge for c, _, _ in made) >= 270)
        assert round(explored["steps"][0]["threshold"] * 1e6) == first  # 30 % of 900

    def test_where_only_audits_count_the_bound_is_that_of_clopper_and_pearson(self) -> None:
        system = cast.system(audit={"rate": 0.5})
        outputs(system, several(200, confidence=950_000) + several(180, confidence=950_000, audit=True, wrong=2))
        (first, *_) = told("--confidence", "0.95")["exploration"]["steps"]
        bound = stats.binomtest(2, 180).proportion_ci(confidence_level=0.90, method="exact").high
        assert first["upper_bound"] == pytest.approx(bound, abs=1e-9)
        assert first["p"] == pytest.approx(stats.binom.cdf(2, 180, 0.02), abs=1e-12)

    def test_how_many_of_the_past_are_wrong_at_most_is_the_hypergeometric_answer(self) -> None:
        system = cast.system(audit={"rate": 0.5})
        outputs(system, several(300, confidence=950_000) + several(200, confidence=950_000, audit=True, wrong=3))
        (first, *_) = told("--confidence", "0.95")["exploration"]["steps"]
        most = max(m for m in range(3, 304) if stats.hypergeom.cdf(3, 500, m, 200) > 0.05)
        assert first["most_wrong"] == most


class TestCommand:
    def test_it_shows_the_exploration_and_spends_nothing(self) -> None:
        fill_good(cast.system(threshold={"default": 1}))
        out, _ = tune()
        assert "No look was taken yet" in out
        assert "Exploration, no guarantee: A look now would certify 0.66" in out
        assert not Certificate.objects.exists()

    def test_a_system_nothing_has_arrived_for_is_told_plainly(self) -> None:
        cast.system()
        assert "no output that this threshold decides has arrived yet" in tune()[0]
        assert told()["exploration"] is None

    def test_look_then_propose(self) -> None:
        fill_good(cast.system(threshold={"default": 1}))
        cast.dana()
        out, err = tune("--look", "--as", "dana@example.org")
        assert "Certified at 0.66" in out
        assert "spent a level of 0.025" in err
        _, err = tune("--propose", "--as", "DANA@example.org")
        version = PolicyVersion.objects.get(state="proposed")
        assert f"Policy {version.number} is proposed now" in err
        assert Certificate.objects.count() == 1

    @pytest.mark.parametrize(("arguments", "code", "sentence"), [
        (["--propose"], 2, "--as EMAIL"),
        (["--look"], 2, "--as EMAIL"),
        (["--look", "--as", "nobody@example.org"], 1, "Nobody has an account"),
        (["--look", "--as", "erik@example.org"], 1, "owner"),
        (["--look", "--target", "0.5", "--as", "dana@example.org"], 2, "policy's own target"),
        (["--target", "0"], 2, "between 0 and 1"),
        (["--confidence", "nan"], 2, "between 0 and 1"),
        (["--segment", "cards"], 1, "no segment cards"),
    ])  # fmt: skip
    def test_what_it_refuses_it_refuses_with_a_reason_and_an_exit_code(
        self, arguments: list[str], code: int, sentence: str
    ) -> None:
        fill_good(cast.system(threshold={"default": 1}))
        with pytest.raises(CommandError, match=sentence) as refused:
            tune(*arguments)
        assert refused.value.returncode == code
        assert not Certificate.objects.exists()

    def test_an_unknown_system_and_one_without_a_policy_are_refused(self) -> None:
        with pytest.raises(CommandError, match="no system digits"):
            tune()
        cast.bare_system()
        with pytest.raises(CommandError, match="no policy in force"):
            tune()


class TestApi:
    URL = "/api/v1/systems/digits/tuning/"

    def test_it_answers_what_the_command_prints(self) -> None:
        system = cast.system(threshold={"default": 1})
        fill_good(system)
        call_command("tune", "--system", "digits", "--look", "--as", cast.dana().email, stdout=io.StringIO(),
                     stderr=io.StringIO())  # fmt: skip
        key = cast.key_for(system, scopes=("policies:read",), person=cast.dana())
        answer = Client().get(self.URL, headers=cast.bearer(key))
        assert answer.status_code == 200
        over_http, printed = answer.json(), told()
        # The window of an exploration closes at the moment it is asked for.
        for one in (over_http, printed):
            del one["exploration"]["window"]["closes"]
        assert over_http == printed
        assert over_http["certificate"]["threshold"] == 0.66
        assert over_http["exploration"]["label"] == "exploration, no guarantee"

    @pytest.mark.parametrize(("role", "status"), [
        ("lead", 200), ("owner", 200), ("auditor", 200), ("reviewer", 403), ("engineer", 403),
    ])  # fmt: skip
    def test_a_key_sees_no_more_than_its_person(self, role: str, status: int) -> None:
        system = cast.system()
        key = cast.key_for(system, scopes=("policies:read",), person=cast.person(f"p-{role}", role))
        assert Client().get(self.URL, headers=cast.bearer(key)).status_code == status

    def test_a_key_without_the_scope_or_of_another_system_learns_nothing(self) -> None:
        system, other = cast.system(), cast.system("others")
        assert Client().get(self.URL, headers=cast.bearer(cast.key_for(system))).status_code == 403
        foreign = cast.key_for(other, scopes=("policies:read",))
        assert Client().get(self.URL, headers=cast.bearer(foreign)).status_code == 404
        assert Client().get(self.URL).status_code == 401
