"""What no careful program would send: every operation stands, and answers with a status that its description names."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from schemathesis import Case
from schemathesis.specs.openapi.checks import content_type_conformance, status_code_conformance

from tests.journeys.described import OPERATIONS, Visitor

JSON = {"Content-Type": "application/json"}
CHECKS = [status_code_conformance, content_type_conformance]
WHOLE = {
    "nothing": b"", "no JSON": b"{", "no UTF-8": b'{"a": "\xff\xfe"}', "a bare NUL": b'{"a": "\x00"}', "null": b"null",
    "a number": b"0", "a text": b'"x"', "a list": b"[]", "lists in lists": b"[" * 100_000, "no number": b'{"a": NaN}',
    "too large a number": b'{"a": 1e999}', "unknown members": b'{"__proto__": {}, "": 1}',
    "too long": b"[" + b" " * 2**20 + b"]",
    "a NUL as a name": b'{"\\u0000": 1}', "a lone surrogate as a name": b'{"\\ud800": 1}',
    "ten thousand names": json.dumps({f"n{n}": n for n in range(10_000)}).encode(),
}  # fmt: skip
TYPES = (
    "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml",
    "application/x-ndjson", "application/json; charset=utf-16", "nonsense", "a/b; " + "c=d;" * 1000,
)  # fmt: skip
MEMBERS: dict[str, Any] = {
    "a NUL": "a\0b", "a lone surrogate": "\ud800", "reversed writing": "\u202eabc", "no text": "",
    "a long text": "x" * 100_000,
    "nothing": None, "yes": True, "minus one": -1, "many digits": 10**400, "beyond 64 bits": 2**64,
    "a small fraction": 5e-324,
    "a list": [[]], "an object": {"": {"": []}}, "the last year": "9999-12-31T23:59:59.999999-23:59",
    "the first year": "0001-01-01T00:00:00+23:59", "a name of SQL": "'; DROP TABLE governance_entry; --",
    "a template": "{{ 7 * 7 }}${7*7}", "a list of texts": ["\0", "x" * 10_000], "a nested NUL": {"a": [{"b": "\0"}]},
}  # fmt: skip
QUERY = (
    "", "\0", "a\0b", "-1", "0", "9" * 400, "1e999", "NaN", "null", "%", "\u202e", "x" * 5000, "[]", "' OR 1=1 --",
    "9999-12-31T23:59:59-23:59", "9999-12-31", "0001-01-01T00:00:00+23:59", "0001-01-01", "\U0010ffff", "2026-02-30",
    "true", "csv",
)  # fmt: skip
PLACES = ("\0", "%2e%2e%2f", "9" * 400, "-1", "x" * 5000, "\u202e", "null", "00000000-0000-0000-0000-000000000000")


def answers(visitor: Visitor, case: Case, **how: Any) -> None:
    answer = visitor.send(case, **how)
    case.validate_response(answer, checks=CHECKS)
    if answer.status_code >= 400:
        problem = answer.json()
        assert (problem["status"], problem["type"].startswith("urn:countersign:problem:")) == (answer.status_code, True)


@pytest.mark.django_db
@pytest.mark.parametrize("label", sorted(label for label, found in OPERATIONS.items() if found.body))
def test_no_body_breaks_an_operation(label: str) -> None:
    visitor = Visitor(label)
    for body in (*WHOLE.values(), *(json.dumps(body).encode() for body in _with_hostile_members(visitor))):
        answers(visitor, visitor.sound_case(), data=body, headers=JSON)
    for kind in TYPES:
        answers(visitor, visitor.sound_case(), data=b"a=1", headers={"Content-Type": kind})


@pytest.mark.django_db
@pytest.mark.parametrize("label", sorted(OPERATIONS))
def test_no_address_breaks_an_operation(label: str) -> None:
    visitor = Visitor(label)
    for parameter in visitor.operation.query:
        for value in QUERY:
            case = visitor.sound_case()
            case.query = {parameter.name: value}
            answers(visitor, case)
    for name in visitor.place:
        for value in PLACES:
            case = visitor.sound_case()
            case.path_parameters[name] = value
            answers(visitor, case)
    for accepted in ("text/html", "application/xml;q=0.1", "nonsense", "*/*;q=x", ""):
        answers(visitor, visitor.sound_case(), headers={"Accept": accepted})


def _with_hostile_members(visitor: Visitor) -> Iterator[Any]:
    """The sound body with every member it may have replaced by each hostile value in turn."""
    (body,) = visitor.operation.body
    schema = body.definition["schema"]
    as_list = schema.get("type") == "array"
    for name in schema["items" if as_list else "properties"]["properties"] if as_list else schema.get("properties", {}):
        for value in MEMBERS.values():
            changed = {**visitor.sound, name: value}
            yield [changed] if as_list else changed
