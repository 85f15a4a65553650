"""Kept counts say what counting all of it says, whatever has happened to the outputs since."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.evidence.record import record
from governance.models import Output, System, Tally, TallyBlock
from governance.people.actors import CONSOLE
from governance.tuning import keeping, kept, released, samples
from governance.tuning.released import RuleLine
from governance.tuning.samples import Sample, Scope
from tests import cast
from tests.governance.evidence.sealing import Sealer
from tests.governance.tuning.judged import outputs, several

pytestmark = pytest.mark.django_db

AGES = [
    timedelta(days=95), timedelta(days=90, hours=23, minutes=59), timedelta(days=60), timedelta(days=8),
    timedelta(days=7, hours=3), timedelta(hours=30), timedelta(hours=3), timedelta(seconds=90), timedelta(seconds=5),
]  # fmt: skip
CONFIDENCES = [0, 123_456, 500_000, 899_999, 900_000, 905_123, 955_000, 999_500, 1_000_000]


# So long that no verdict becomes final between two statements of a test.
REVIEW = {**cast.POLICY["review"], "undo_seconds": 600}
VIP = {"id": "vip", "when": {"field": "output.digit", "op": "eq", "value": 7}, "then": "release"}


@pytest.fixture
def system() -> System:
    return cast.system(review=REVIEW, rules=[VIP])


@pytest.fixture
def sealer(tmp_path: Path) -> Sealer:
    return Sealer(tmp_path)


def of(system: System) -> Scope:
    found = samples.scope(system)
    assert found is not None
    return found


def change(output: Any, **columns: Any) -> None:
    """What deciding, undoing, superseding and the fallback do: columns and an entry, in one transaction."""
    with transaction.atomic():
        row = Output.objects.get(pk=output)
        entry = record("decided", actor=CONSOLE, kind="output", id=row.pk, system=row.system_id, decision={})
        Output.objects.filter(pk=row.pk).update(entry_id=entry.id, **columns)


def up_to_now(found: Sample) -> Sample:
    """Where nothing is undecided a window closes with the statement that counts it."""
    return found if found.undecided else replace(found, closes=datetime.min.replace(tzinfo=UTC))


def agree(system: System, in_force: int = 900_000) -> None:
    where, day = of(system), datetime.now(UTC).date()
    kept_ones, all_ones = samples.sample(where, in_force=in_force), samples.count(where, in_force=in_force)
    lines, all_lines = released.by_rules(where), released.by_rules(where, trusted=False)
    if datetime.now(UTC).date() != day:  # at midnight the window opened a day later, between the two
        agree(system, in_force)
        return
    assert up_to_now(kept_ones) == up_to_now(all_ones)
    assert lines == all_lines


def is_kept(system: System, in_force: int | None = 900_000) -> bool:
    """Whether the counts are read from what is kept: told by counts that say twice as much."""
    where, tally = of(system), Tally.objects.get(rule="threshold:default")
    real = samples.sample(where, in_force=in_force)
    twice = 2 * kept.unpacked(bytes(tally.counts), len(tally.rates), len(tally.edges))
    Tally.objects.update(counts=kept.packed(twice))
    told = samples.sample(where, in_force=in_force)
    Tally.objects.update(counts=tally.counts)
    return told.outputs > real.outputs


def fill(system: System) -> None:
    outputs(system, several(30, confidence=955_000) + several(8, confidence=955_000, wrong=1, audit=True))
    outputs(system, several(20, confidence=810_000, wrong=3))


class TestWhatIsKept:
    def test_counts_are_read_from_blocks_once_everything_is_sealed(self, system: System, sealer: Sealer) -> None:
        fill(system)
        sealer.all()
        assert keeping.keep(of(system))
        agree(system)
        assert is_kept(system)

    def test_what_is_not_sealed_yet_is_counted_from_the_tables(self, system: System, sealer: Sealer) -> None:
        fill(system)
        keeping.keep(of(system))
        assert Tally.objects.get().blocks.count() == 0
        agree(system)

    def test_new_outputs_are_counted_beside_the_blocks(self, system: System, sealer: Sealer) -> None:
        fill(system)
        sealer.all()
        keeping.keep(of(system))
        outputs(system, several(7, confidence=820_000, wrong=2), received=timezone.now() - timedelta(seconds=30))
        assert is_kept(system)
        agree(system)

    def test_after_midnight_the_days_are_read_one_by_one(self, system: System, sealer: Sealer) -> None:
        fill(system)
        sealer.all()
        keeping.keep(of(system))
        Tally.objects.update(first_day=datetime(2026, 1, 1, tzinfo=UTC).date(), counts=b"")
        agree(system)

    def test_keeping_goes_no_further_than_the_first_output_that_waits(self, system: System, sealer: Sealer) -> None:
        now = timezone.now()
        outputs(system, several(10, confidence=800_000, wrong=1), received=now - timedelta(hours=5))
        outputs(system, several(2, confidence=800_000), received=now - timedelta(hours=4))
        outputs(system, several(6, confidence=800_000, wrong=0), received=now - timedelta(hours=3))
        sealer.all()
        keeping.keep(of(system))
        assert Tally.objects.get().counted_to == now - timedelta(hours=4)
        assert is_kept(system)
        agree(system)


class TestWhatRulesReleased:
    def test_their_lines_are_read_from_blocks_and_what_came_since(self, system: System, sealer: Sealer) -> None:
        fill(system)
        vips = several(40, confidence=300_000, rule="vip", lane="release")
        outputs(system, vips + several(5, confidence=300_000, rule="vip", lane="release", audit=True, wrong=2))
        sealer.all()
        assert keeping.keep_all() == 1
        assert {tally.rule for tally in Tally.objects.all()} == {"threshold:default", "rules"}
        late = several(3, confidence=300_000, rule="vip", lane="release")
        outputs(system, late, received=timezone.now() - timedelta(seconds=30))
        agree(system)
        assert released.by_rules(of(system)) == (RuleLine("vip", 48, 5, 2),)
        twice = TallyBlock.objects.get(tally__rule="rules", rate=50_000)  # told by counts that say twice as much
        twice.counts = kept.packed(2 * kept.unpacked(bytes(twice.counts), 1, 1)[0])
        twice.save()
        assert released.by_rules(of(system)) == (RuleLine("vip", 93, 10, 4),)

    def test_a_correction_counts_at_once(self, system: System, sealer: Sealer) -> None:
        fill(system)
        outputs(system, several(5, confidence=300_000, rule="vip", lane="release", audit=True, wrong=0))
        sealer.all()
        keeping.keep_rules(of(system))
        one = Output.objects.filter(rule="vip").first()
        assert one is not None
        change(one.pk, label=False, labelled_at=timezone.now() - timedelta(hours=1))
        assert released.by_rules(of(system)) == (RuleLine("vip", 5, 5, 1),)
        agree(system)

    def test_another_rule_begins_its_counts_anew(self, system: System, sealer: Sealer) -> None:
        fill(system)
        outputs(system, several(5, confidence=300_000, rule="vip", lane="release"))
        sealer.all()
        keeping.keep_rules(of(system))
        guest = {"id": "guest", "when": {"field": "output.digit", "op": "eq", "value": 8}, "then": "release"}
        cast.put_in_force(system, cast.policy(review=REVIEW, rules=[guest, VIP]))
        outputs(system, several(2, confidence=300_000, rule="guest", lane="release"))
        agree(system)
        sealer.all()
        keeping.keep_rules(of(system))
        agree(system)
        assert released.by_rules(of(system)) == (RuleLine("guest", 2, 0, 0), RuleLine("vip", 5, 0, 0))


class TestWhatChangesAfterwards:
    @pytest.mark.parametrize(
        "columns",
        [
            {"label": False, "labelled_at": timedelta(hours=1)},
            {"label": False, "labelled_at": timedelta(0)},
            {"label": None, "labelled_at": None},
            {"resolved_by": "fallback", "label": None},
        ],
        ids=["superseded long since", "superseded just now", "undone", "fallback"],
    )
    @pytest.mark.parametrize("is_sealed", [False, True])
    def test_a_change_counts_with_its_commit(
        self, system: System, sealer: Sealer, columns: dict[str, Any], is_sealed: bool
    ) -> None:
        fill(system)
        sealer.all()
        keeping.keep(of(system))
        now = timezone.now()
        told = {key: now - value if isinstance(value, timedelta) else value for key, value in columns.items()}
        change(Output.objects.filter(label=True, is_audit=False).first().pk, **told)  # type: ignore[union-attr]
        if is_sealed:
            sealer.all()
        agree(system)
        keeping.keep(of(system))
        agree(system)

    def test_an_output_that_commits_late_is_counted(self, system: System, sealer: Sealer) -> None:
        fill(system)
        sealer.all()
        keeping.keep(of(system))
        outputs(system, several(3, confidence=960_000), received=timezone.now() - timedelta(hours=1))
        assert not is_kept(system)
        agree(system)
        sealer.all()
        keeping.keep(of(system))
        assert is_kept(system)
        agree(system)

    def test_a_threshold_between_the_edges_is_counted_anew_once(self, system: System, sealer: Sealer) -> None:
        fill(system)
        sealer.all()
        keeping.keep(of(system))
        cast.put_in_force(system, {**cast.policy(review=REVIEW), "threshold": {"default": 0.955001}})
        agree(system, in_force=955_001)
        sealer.all()
        keeping.keep(of(system))
        assert is_kept(system, in_force=955_001)
        agree(system, in_force=955_001)

    def test_a_smaller_audit_rate_thins_what_is_kept(self, system: System, sealer: Sealer) -> None:
        draws = [f"{value:016x}" for value in range(0, 2**64, 2**58)]
        outputs(system, [{"confidence": 955_000, "audit": True, "wrong": False, "draw": draw} for draw in draws])
        sealer.all()
        keeping.keep(of(system))
        outputs(
            system, several(3, confidence=960_000, propensity=20_000), received=timezone.now() - timedelta(minutes=3)
        )
        agree(system)
        sealer.all()
        keeping.keep(of(system))
        assert is_kept(system)
        found = samples.sample(of(system), in_force=900_000)
        assert 0 < found.thinned < len(draws)
        agree(system)


def test_a_certificate_rests_on_the_kept_counts(system: System, sealer: Sealer) -> None:
    fill(system)
    sealer.all()
    assert keeping.keep_all() == 1
    assert keeping.keep_all() == 1  # twice is once
    agree(system)
    assert [tally.rule for tally in Tally.objects.order_by("rule")] == ["rules", "threshold:default"]


OUTPUTS = st.builds(
    dict,
    confidence=st.sampled_from(CONFIDENCES),
    wrong=st.sampled_from([None, True, False]),
    audit=st.booleans(),
    case_key=st.sampled_from([None, None, None, 1, 2]),
    rule=st.sampled_from(["threshold:default", "threshold:default", "vip"]),
    propensity=st.sampled_from([50_000, 50_000, 20_000, 500_000]),
    draw=st.integers(0, 2**64 - 1).map("{:016x}".format),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.sampled_from(AGES), st.lists(OUTPUTS, min_size=1, max_size=6)),
        st.tuples(st.just("label"), st.integers(0, 50), st.sampled_from([None, True, False]), st.booleans()),
        st.tuples(st.just("fallback"), st.integers(0, 50)),
        st.tuples(st.just("seal")),
        st.tuples(st.just("keep")),
    ),
    min_size=4,
    max_size=14,
)


def goes_out(row: dict[str, Any]) -> bool:
    return bool(row["rule"] == "vip" or row["confidence"] >= 900_000)


@given(steps=STEPS)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_happens_the_kept_counts_are_those_of_the_tables(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[Any, ...]]
) -> None:
    with transaction.atomic():
        system = cast.system(review=REVIEW, rules=[VIP])
        sealer = Sealer(tmp_path_factory.mktemp("sealer"))
        sent = outputs(system, several(3, confidence=950_000, audit=True, wrong=0) + several(3, confidence=500_000))
        for kind, *told in steps:
            now = timezone.now()
            if kind == "send":
                rows = [
                    {**row, "audit": row["audit"] and goes_out(row), "lane": "release" if goes_out(row) else "review",
                     "propensity": row["propensity"] if goes_out(row) else 1_000_000}
                    for row in told[1]
                ]  # fmt: skip
                sent += outputs(system, rows, received=now - told[0])
            elif kind == "label":
                label, is_new = told[1], told[2]
                at = None if label is None else now - timedelta(seconds=1 if is_new else 7200)
                change(sent[told[0] % len(sent)], label=label, labelled_at=at)
            elif kind == "fallback":
                change(sent[told[0] % len(sent)], resolved_by="fallback")
            elif kind == "seal":
                sealer.all()
            else:
                keeping.keep(of(system))
                keeping.keep_rules(of(system))
            agree(system)
        sealer.all()
        keeping.keep(of(system))
        keeping.keep_rules(of(system))
        agree(system)
        transaction.set_rollback(True)
