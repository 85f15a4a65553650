"""The order of a queue, as arithmetic."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from reviews.routing.urgency import length, urgency_sentence, urgent_at

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FOUR = timedelta(hours=4)
moments = st.timedeltas(timedelta(0), timedelta(days=365)).map(lambda length: NOON + length)
lengths = st.timedeltas(timedelta(seconds=1), timedelta(days=30))
priorities = st.integers(0, 100)


def test_without_priority_an_item_is_ordered_by_its_due_time():
    assert urgent_at(NOON, NOON + FOUR, 0) == NOON + FOUR


def test_the_highest_priority_counts_as_due_on_arrival():
    assert urgent_at(NOON, NOON + FOUR, 100) == NOON


def test_priority_brings_an_item_forward_by_its_share_of_the_time_allowed():
    assert urgent_at(NOON, NOON + FOUR, 75) == NOON + timedelta(hours=1)


def test_an_item_that_was_due_before_it_arrived_is_ordered_by_its_due_time():
    assert urgent_at(NOON, NOON - FOUR, 80) == NOON - FOUR


@given(moments, lengths, priorities, lengths, priorities, lengths)
def test_nothing_that_arrives_after_an_items_moment_passes_it(arrived, allowed, priority, later, high, allowed_later):
    moment = urgent_at(arrived, arrived + allowed, priority)
    newcomer = moment + later
    assert urgent_at(newcomer, newcomer + allowed_later, high) > moment


@given(moments, lengths, st.integers(0, 99))
def test_more_priority_is_never_later(arrived, allowed, priority):
    due = arrived + allowed
    assert urgent_at(arrived, due, priority + 1) <= urgent_at(arrived, due, priority) <= due


def test_the_sentence_has_the_formulas_figures():
    said = urgency_sentence(NOON, NOON + FOUR, 80)
    assert (
        said == "It is due on 1 March at 16:00 UTC, and its priority of 80 brings it 3 h 12 min forward in the queue."
    )
    assert "order in which they are due" in urgency_sentence(NOON, NOON + FOUR, 0)
    assert length(timedelta(0)) == "0 s"
