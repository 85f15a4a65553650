"""What a producer may send, and where it is told that something is wrong."""

import pytest

from governance.refusals import Invalid
from reviews.intake import bodies
from tests.reviews.intake.sent import document, raw

GOOD = b'{"system":"digits","external_id":"one","input":{},"output":{}%s}'


def with_part(part: bytes) -> bytes:
    return GOOD % (b"," + part)


def refusal_of(data: bytes) -> Invalid:
    with pytest.raises(Invalid) as caught:
        bodies.read(data)
    return caught.value


def test_a_body_with_only_what_is_needed_is_read_with_its_defaults() -> None:
    body = bodies.read(GOOD % b"")
    assert (body.model, body.prompt_version, body.alternatives, body.attributes) == (None, None, [], {})
    assert bodies.confidence_of(body) is None


@pytest.mark.parametrize(
    ("stated", "millionths"),
    [
        (b"0.62", 620_000),
        (b"0", 0),
        (b"1", 1_000_000),
        (b"1.0", 1_000_000),
        (b"0.9", 900_000),
        (b"0.8999999", 899_999),
        (b"0.89999999999999999999999999", 899_999),
        (b"9e-1", 900_000),
        (b"0.000001", 1),
        (b"1e-400", 0),
        (b"-0.0", 0),
    ],
)
def test_confidence_is_rounded_down_to_millionths_from_the_text_as_it_was_written(
    stated: bytes, millionths: int
) -> None:
    assert bodies.confidence_of(bodies.read(with_part(b'"confidence":' + stated))) == millionths


@pytest.mark.parametrize(
    "stated",
    [b'"0.99"', b"true", b"null", b"-1", b"2", b"1.0000001", b"[0.99]", b'{"value":0.99}', b"0." + b"9" * 5000],
)
def test_a_confidence_that_is_no_share_is_taken_in_as_unknown(stated: bytes) -> None:
    assert bodies.confidence_of(bodies.read(with_part(b'"confidence":' + stated))) is None


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e309", b"-1e999"])
@pytest.mark.parametrize(
    ("part", "pointer"),
    [
        (b'"confidence":%s', "/confidence"),
        (b'"attributes":{"a":[1,%s]}', "/attributes/a/1"),
        (b'"alternatives":[{"output":{"x/y":%s}}]', "/alternatives/0/output/x~1y"),
    ],
)
def test_a_number_that_is_not_finite_is_refused_wherever_it_stands(number: bytes, part: bytes, pointer: str) -> None:
    (problem,) = refusal_of(with_part(part % number)).errors
    assert (problem.pointer, problem.code) == (pointer, "not-finite")


@pytest.mark.parametrize(
    ("data", "pointer", "code"),
    [
        (with_part(b'"explanation":"a\\u0000b"'), "/explanation", "nul"),
        (with_part(b'"attributes":{"a\\u0000":1}'), "/attributes", "nul"),
        (with_part(b'"explanation":"\\ud800"'), "/explanation", "lone-surrogate"),
        (with_part(b'"explanation":"\\udc00\\ud800"'), "/explanation", "lone-surrogate"),
        (with_part(b'"confidence":"\\udfff"'), "/confidence", "lone-surrogate"),
        (with_part(b'"secret":1'), "/secret", "unknown-field"),
        (with_part(b'"alternatives":[{"output":1,"score":2}]'), "/alternatives/0/score", "unknown-field"),
        (with_part(b'"alternatives":[{"confidence":0.5}]'), "/alternatives/0/output", "missing-field"),
        (with_part(b'"alternatives":[{"output":1,"confidence":"high"}]'), "/alternatives/0/confidence", "wrong-type"),
        (with_part(b'"attributes":[]'), "/attributes", "wrong-type"),
        (with_part(b'"model":7'), "/model", "wrong-type"),
        (with_part(b'"model":""'), "/model", "wrong-value"),
        (b'{"system":"digits","input":{},"output":{}}', "/external_id", "missing-field"),
        (b'{"system":"digits","external_id":"","input":{},"output":{}}', "/external_id", "wrong-value"),
        (
            b'{"system":"digits","external_id":"' + b"x" * 201 + b'","input":{},"output":{}}',
            "/external_id",
            "wrong-value",
        ),
        (with_part(b'"attributes":{"n":' + b"9" * 5000 + b"}"), "/attributes", "wrong-value"),
        (b"[]", "", "wrong-type"),
        (b'"text"', "", "wrong-type"),
        (b"", "", "malformed"),
        (b"{", "", "malformed"),
        (GOOD % b"" + b"x", "", "malformed"),
        (b"\xef\xbb\xbf" + GOOD % b"", "", "malformed"),
        (with_part(b'"explanation":"\xff"'), "", "malformed"),
        (with_part(b'"explanation":"\xed\xa0\x80"'), "", "malformed"),
        (with_part(b'"explanation":"a\nb"'), "", "malformed"),
        (b'{"system":"digits",}', "", "malformed"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(data: bytes, pointer: str, code: str) -> None:
    problems = refusal_of(data).errors
    assert [(problem.pointer, problem.code) for problem in problems] == [(pointer, code)]


def test_a_text_that_only_spells_an_escape_is_no_nul() -> None:
    body = bodies.read(with_part(b'"explanation":"\\\\u0000"'))
    assert body.explanation == "\\u0000"


def test_problems_repeat_no_value_of_the_body() -> None:
    refusal = refusal_of(raw(model=["secret-value"], confidence=0.5))
    assert "secret-value" not in str([problem.as_dict() for problem in refusal.errors]) + refusal.sentence


def test_sixty_four_levels_are_taken_and_sixty_five_refused() -> None:
    def nested(levels: int) -> bytes:
        return with_part(b'"explanation":' + b"[" * (levels - 1) + b"]" * (levels - 1))

    bodies.read(nested(64))
    assert [p.code for p in refusal_of(nested(65)).errors] == ["too-deep"]
    assert [p.code for p in refusal_of(nested(100_000)).errors] == ["too-deep"]


def test_brackets_in_texts_are_no_levels() -> None:
    assert bodies.read(raw(explanation='[[[["\\[' * 100)).explanation == '[[[["\\[' * 100


def test_one_mebibyte_is_taken_and_one_byte_more_refused() -> None:
    space = bodies.MAX_BYTES - len(raw(explanation=""))
    bodies.read(raw(explanation="x" * space))
    with pytest.raises(bodies.TooLarge) as caught:
        bodies.read(raw(explanation="x" * (space + 1)))
    assert (caught.value.status, caught.value.code) == (413, "too_large")


def test_the_document_of_the_interface_is_read_as_it_stands() -> None:
    body = bodies.read(
        raw(
            confidence=0.62, prompt_version=None, alternatives=[{"output": {"digit": 1}, "confidence": 0.2}],
            explanation="…", attributes={"channel": "chat"}, callback_url=None,
        )
    )  # fmt: skip
    assert (body.alternatives[0].confidence, body.attributes) == (0.2, {"channel": "chat"})
    assert body.input == document()["input"]
