"""A correction is shown word by word: what went, what came, and together nothing but the two texts."""

from __future__ import annotations

import random
import time
from itertools import pairwise

import pytest
from django.template.loader import render_to_string
from hypothesis import given, settings
from hypothesis import strategies as st

from reviews.pages.showing.diff import changes, diff_words
from tests.reviews.pages.hostile import HIDDEN, MARKUP, words


def joined(old: str, new: str) -> tuple[str, str]:
    runs = diff_words(old, new)
    return (
        "".join(run for kind, run in runs if kind != "added"),
        "".join(run for kind, run in runs if kind != "removed"),
    )


def page(old: str, new: str) -> str:
    return render_to_string("_diff.html", {"changes": changes(old, new)})


@pytest.mark.parametrize(
    ("old", "new", "runs"),
    [
        ("", "", []),
        ("a b", "a b", [("same", "a b")]),
        ("", "a", [("added", "a")]),
        ("a", "", [("removed", "a")]),
        ("Cancel I6M8JQ now", "Cancel MSJ4OA now",
         [("same", "Cancel "), ("removed", "I6M8JQ"), ("added", "MSJ4OA"), ("same", " now")]),
        ("one two three", "one three", [("same", "one "), ("removed", "two "), ("same", "three")]),
        ("12,5", "12.5", [("same", "12"), ("removed", ","), ("added", "."), ("same", "5")]),
        ("red car", "blue bus", [("removed", "red car"), ("added", "blue bus")]),
        ("naïve café", "naive café", [("removed", "naïve"), ("added", "naive"), ("same", " café")]),
    ],
)  # fmt: skip
def test_whole_words_change(old: str, new: str, runs: list[tuple[str, str]]) -> None:
    assert diff_words(old, new) == runs


TEXTS = st.text(st.sampled_from("ab .,\n\u202e\U0001f600é"), max_size=60) | st.text(max_size=60)


@settings(max_examples=500)
@given(TEXTS, TEXTS)
def test_what_stayed_and_went_is_the_old_text_and_what_stayed_and_came_the_new(old: str, new: str) -> None:
    assert joined(old, new) == (old, new)
    runs = diff_words(old, new)
    assert all(run for _, run in runs)
    assert all(one[0] != other[0] for one, other in pairwise(runs))


@settings(max_examples=100)
@given(st.text(max_size=80))
def test_a_text_does_not_differ_from_itself(said: str) -> None:
    assert [kind for kind, _ in diff_words(said, said)] == (["same"] if said else [])


def _shuffled(words: int, kinds: int, seed: int) -> str:
    dice = random.Random(seed)
    return " ".join(str(dice.randrange(kinds)) for _ in range(words))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a " * 100_000, "a b " * 50_000),
        (_shuffled(60_000, 3, 1), _shuffled(60_000, 3, 2)),
        (_shuffled(3_900, 400, 1), _shuffled(3_900, 400, 2)),
        (_shuffled(380, 2, 1), _shuffled(380, 2, 2)),
        ("\n".join(map(str, range(3_000))), "\n".join(map(str, range(3_000, 0, -1)))),
        ("x" * 1_000_000, "y" * 1_000_000),
        ("\n" * 90_000, " \n" * 90_000),
        ("".join(f"a{n} s " for n in range(190)), "".join(f"b{n} s " for n in range(190))),
    ],
)
def test_no_pair_of_texts_holds_a_page_up(old: str, new: str) -> None:
    began = time.monotonic()
    assert joined(old, new) == (old, new)
    assert time.monotonic() - began < 5


def test_a_long_text_with_one_changed_word_shows_that_word() -> None:
    text = [f"word{n}" for n in range(20_000)]
    old = " ".join(text)
    text[9_000] = "other"
    changed = [run for run in diff_words(old, " ".join(text)) if run[0] != "same"]
    assert changed == [("removed", "word9000"), ("added", "other")]


@pytest.mark.parametrize("said", MARKUP)
def test_markup_in_a_correction_stays_text(said: str) -> None:
    markup = page(f"before {said} after", f"before {said[::-1]} after") + page("", said) + page(said, said)
    assert said in words(markup)
    assert markup.count("<del>") == markup.count("</del>")


def test_what_cannot_be_seen_in_a_correction_is_marked() -> None:
    markup = page("payback", HIDDEN)
    assert "\u202e" not in markup
    assert "U+202E" in markup
    assert words(page("payback", "pay\u200bback")).endswith("payU+200Bback")
