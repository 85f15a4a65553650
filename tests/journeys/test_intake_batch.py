"""A producer sends many outputs at once."""

import json
from collections import Counter
from typing import Any

import pytest
from django.test import Client

from governance.models import Entry, Output
from reviews.models import Item
from tests import cast
from tests.reviews.intake.sent import raw

URL = "/api/v1/outputs/batch/"
BAD = [
    (b"{", "malformed", ""),
    (raw(surprise=1), "invalid", "/surprise"),
    (raw(model=5), "invalid", "/model"),
    (raw("nan", input=float("nan")), "invalid", "/input"),
    (raw(input={"email": "a\0b"}), "invalid", "/input/email"),
    (b'{"system":"digits","external_id":"s","input":"\\ud800","output":1}', "invalid", "/input"),
    (b'{"system":"digits","input":1,"output":1}', "invalid", "/external_id"),
    (raw(system="letters"), "not_found", "/system"),
    (raw(callback_url="https://nowhere.example.org/"), "invalid", "/callback_url"),
    (raw(explanation="x" * (1024 * 1024)), "too_large", None),
    (b"[" * 70 + b"]" * 70, "invalid", ""),
]


def send(secret: str, data: bytes, content_type: str = "application/x-ndjson") -> Any:
    return Client().post(URL, data, content_type=content_type, headers=cast.bearer(secret))


def told(answer: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in b"".join(answer.streaming_content).splitlines()]


def counts() -> tuple[int, int, int, int]:
    return (
        Output.objects.count(),
        Entry.objects.count(),
        Item.objects.count(),
        Output.objects.filter(lane="release").count(),
    )


@pytest.mark.usefixtures("committed_db")
def test_of_ten_thousand_lines_with_37_bad_ones_the_good_are_in_and_the_bad_are_named() -> None:
    secret = cast.key_for(cast.system())
    lines = [raw(f"n{number}", confidence=number % 100 / 100) for number in range(10_000)]
    bad = {number * 270 + 11: BAD[number % len(BAD)] for number in range(37)}
    for place, (line, _, _) in bad.items():
        lines[place] = line
    batch = b"\n".join(lines)

    answers = told(send(secret, batch))
    assert [answer["line"] for answer in answers] == list(range(1, 10_001))
    assert Counter(answer["status"] == 201 for answer in answers) == {True: 9_963, False: 37}
    for place, (_, code, pointer) in bad.items():
        problem = answers[place]["problem"]
        assert (problem["code"], problem["status"]) == (code, answers[place]["status"])
        assert pointer is None or problem["errors"][0]["pointer"] == pointer
    good = [answer["output"] for place, answer in enumerate(answers) if place not in bad]
    assert Output.objects.count() == 9_963
    assert {output["id"] for output in good} == {str(id) for id in Output.objects.values_list("pk", flat=True)}
    assert {output["status"] for output in good} == {"released", "in_review"}

    before = counts()
    again = told(send(secret, batch))
    assert counts() == before
    assert Counter(answer["status"] for answer in again)[200] == 9_963
    assert [a["output"]["id"] for a in again if a["status"] == 200] == [output["id"] for output in good]


@pytest.mark.django_db
def test_a_list_of_json_is_answered_line_by_line_too() -> None:
    secret = cast.key_for(cast.system())
    data = b"[" + b",\n".join([raw("a"), raw("nan", input=float("nan")), raw("a"), raw("a", confidence=0.1)]) + b"]"
    answers = told(send(secret, data, "application/json"))
    assert [(answer["line"], answer["status"]) for answer in answers] == [(1, 201), (2, 422), (3, 200), (4, 409)]
    assert answers[2]["output"] == answers[0]["output"] | {"revisions": [], "correction": None}


@pytest.mark.django_db
def test_a_batch_that_is_too_long_is_refused_whole() -> None:
    secret = cast.key_for(cast.system())
    answer = send(secret, b"\n".join(raw(f"n{number}") for number in range(10_001)))
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert not Output.objects.exists()


@pytest.mark.django_db
def test_only_a_key_that_may_write_sends_a_batch() -> None:
    system = cast.system()
    assert send(cast.key_for(system, ["outputs:read"]), raw()).status_code == 403
    assert send("cs_wrong", raw()).status_code == 401
    assert send(cast.key_for(system), raw(), "text/csv").status_code == 415
    assert send(cast.key_for(system), b"{}", "application/json").status_code == 422
    assert not Output.objects.exists()


@pytest.mark.django_db
def test_a_batch_of_blank_lines_is_answered_with_nothing() -> None:
    assert told(send(cast.key_for(cast.system()), b"\n \n\n")) == []
