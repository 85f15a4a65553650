"""The API's foundation: strict bodies, one shape for what goes wrong, pages by keyset, its own description."""

import json
import uuid
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from governance.api import paging, parsing, problems, rendering
from governance.models import Entry, Person, PolicyVersion
from governance.policies import lifecycle
from governance.refusals import Invalid, NotAllowed, Problem, Refused
from tests import cast

URL = "/api/v1/systems/digits/policies/"

REFUSED = [
    (b"", 400, "malformed"),
    (b"{", 400, "malformed"),
    (b"{'a': 1}", 400, "malformed"),
    (b'{"a": 1} x', 400, "malformed"),
    (b'"\xff"', 400, "malformed"),
    (b'"a\x00b"', 400, "malformed"),
    (b"NaN", 422, "invalid"),
    (b'{"a": [Infinity]}', 422, "invalid"),
    (b'{"a": -Infinity}', 422, "invalid"),
    (b"1e999", 422, "invalid"),
    (b'"\\u0000"', 422, "invalid"),
    (b'{"\\u0000": 1}', 422, "invalid"),
    (b'"\\\\\\u0000"', 422, "invalid"),
    (b'"\\ud800"', 422, "invalid"),
    (b'["\\udc00\\ud800"]', 422, "invalid"),
    (b"[" * 65 + b"]" * 65, 422, "invalid"),
    (b'{"a":' * 65 + b"1" + b"}" * 65, 422, "invalid"),
    (b"[" * 100_000, 422, "invalid"),
]


@pytest.mark.parametrize(("body", "status", "code"), REFUSED, ids=lambda value: repr(value)[:24])
def test_what_cannot_be_kept_is_refused_with_its_reason(body: bytes, status: int, code: str) -> None:
    with pytest.raises(Refused) as refused:
        parsing.decode(body)
    assert (refused.value.status, refused.value.code) == (status, code)


@pytest.mark.parametrize(
    "body", [b'"\\\\u0000"', b'"\\ud83d\\ude00"', b"[" * 64 + b"]" * 64, b"[[],[],[]]" + b" " * 99, b"1e-999"]
)
def test_what_only_looks_like_it_is_taken(body: bytes) -> None:
    assert parsing.decode(body) == json.loads(body)


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('abc"\\u0', max_size=4), inner, max_size=4),
        max_leaves=20,
    )
)
def test_every_sound_body_means_what_json_says(value: object) -> None:
    assert parsing.decode(json.dumps(value).encode()) == value


@given(st.integers(0, 90), st.integers(0, 30))
def test_depth_is_counted_whatever_lies_beside(deep: int, wide: int) -> None:
    body = b"[" + b"[]," * wide + b"[" * deep + b"]" * deep + b"]" if deep else b"[" * 1 + b"]"
    if deep + 1 > parsing.DEEPEST:
        with pytest.raises(Invalid):
            parsing.decode(body)
    else:
        assert parsing.decode(body) == json.loads(body)


def test_answers_carry_times_with_a_z_and_ids_and_decimals_as_text() -> None:
    id = uuid.uuid4()
    moment = datetime(2026, 11, 21, 14, 3, 7, tzinfo=UTC)
    sent = {"at": moment, "id": id, "cost": Decimal("1.50"), "problem": Problem("/a", "x", "Y.")}
    assert json.loads(rendering.encode(sent)) == {
        "at": "2026-11-21T14:03:07Z", "id": str(id), "cost": "1.50",
        "problem": {"pointer": "/a", "code": "x", "detail": "Y."},
    }  # fmt: skip


class _Door(APIView):
    authentication_classes = ()
    permission_classes = ()
    raises: Exception = NotImplementedError()

    def get(self, request: object) -> None:
        raise self.raises


def answer_to(exception: Exception) -> tuple[int, dict, str]:
    answer = _Door.as_view(raises=exception)(APIRequestFactory().get("/"))
    answer.render()
    return answer.status_code, json.loads(answer.content), answer["Content-Type"]


def test_a_refusal_becomes_a_problem_with_its_status_code_sentence_and_places() -> None:
    status, body, kind = answer_to(NotAllowed("Not you.", errors=[Problem("/a", "who", "Somebody else.")]))
    assert (status, kind) == (403, "application/problem+json")
    assert body == {
        "type": "urn:countersign:problem:not_allowed", "title": "Forbidden", "status": 403, "code": "not_allowed",
        "detail": "Not you.", "errors": [{"pointer": "/a", "code": "who", "detail": "Somebody else."}],
    }  # fmt: skip


def test_what_fails_inside_says_nothing_of_the_inside() -> None:
    status, body, _ = answer_to(RuntimeError("the password is swordfish"))
    assert status == 500
    assert body["code"] == "failed"
    assert "swordfish" not in json.dumps(body)


@pytest.mark.django_db
class TestDoors:
    def browser(self) -> Client:
        cast.system()
        return cast.signed_in(cast.dana())

    def test_every_problem_names_its_request(self) -> None:
        answer = self.browser().get("/api/v1/systems/nowhere/", headers={"X-Request-Id": "abc-123"})
        assert answer.status_code == 404
        assert answer.json()["instance"].endswith(answer["X-Request-Id"])

    def test_an_address_of_the_api_that_does_not_exist_is_a_problem_too(self) -> None:
        answer = self.browser().get("/api/v1/nothing/here/")
        assert answer.status_code == 404
        assert answer["Content-Type"] == "application/problem+json"

    def test_a_wrong_content_type_is_415_and_a_wrong_method_405(self) -> None:
        browser = self.browser()
        assert browser.post(URL, {"policy": "x"}).status_code == 415
        answer = browser.put(URL, b"{}", content_type="application/json")
        assert answer.status_code == 405
        assert answer["Content-Type"] == "application/problem+json"
        assert "GET" in answer["Allow"]

    def test_a_body_over_the_limit_is_413(self) -> None:
        answer = self.browser().post(URL, b'"' + b"a" * 1_048_577 + b'"', content_type="application/json")
        assert answer.status_code == 413
        assert answer.json()["code"] == "too_large"

    def test_unknown_and_missing_fields_are_named(self) -> None:
        answer = self.browser().post(URL, {"polciy": {}}, content_type="application/json")
        assert answer.status_code == 422
        assert {(e["pointer"], e["code"]) for e in answer.json()["errors"]} == {
            ("/polciy", "unknown-field"), ("/policy", "missing-field"),
        }  # fmt: skip

    def test_a_policy_that_is_none_is_told_place_by_place(self) -> None:
        body = {"policy": {"threshold": {"default": 1.5}, "audti": {}}}
        answer = self.browser().post(URL, body, content_type="application/json")
        assert answer.status_code == 422
        assert {"policy.threshold.default", "policy.audti"} <= {error["pointer"] for error in answer.json()["errors"]}

    @pytest.mark.parametrize(
        "body",
        [
            b'{"policy": 1}',
            b'{"policy": []}',
            b"[]",
            b'"x"',
            b"null",
            b'{"policy": {}, "because": 1}',
            b'{"policy": {"threshold": {"default": "x"}}}',
            b'{"policy": null}',
        ],
    )
    def test_a_body_of_another_shape_is_refused_and_never_a_failure(self, body: bytes) -> None:
        assert self.browser().post(URL, body, content_type="application/json").status_code == 422

    @pytest.mark.parametrize("number", ["0", "99", "2147483647", "2147483648", "99999999999999999999"])
    def test_a_version_that_is_not_there_is_404_however_large_its_number(self, number: str) -> None:
        browser = self.browser()
        assert browser.get(f"{URL}{number}/").status_code == 404
        assert browser.get(f"/systems/digits/proposals/{number}/").status_code == 404

    def test_a_version_shows_its_text_its_words_and_its_signatures(self) -> None:
        shown = self.browser().get(f"{URL}1/").json()
        assert shown["policy"] == cast.policy()
        assert shown["digest"].startswith("sha256:")
        assert not shown["unapproved"]
        assert "Everything goes out alone from 90\u202f% confidence." in shown["sentences"]
        assert [(s["by"]["name"], s["role"], s["verdict"]) for s in shown["signatures"]] == [
            ("Erik", "approver", "approve")
        ]

    def test_change_control_from_proposal_to_force_and_back(self) -> None:
        dana, erik = self.browser(), cast.signed_in(cast.erik())

        def post(browser: Client, path: str, **body: object) -> tuple[int, dict]:
            answer = browser.post(f"{URL}{path}", body, content_type="application/json")
            return answer.status_code, answer.json()

        status, made = post(dana, "", policy=cast.policy(threshold={"default": 0.8}), because="More alone.")
        assert (status, made["number"], made["loosens"], made["missing"]) == (201, 2, True, [["approver"]])
        assert post(erik, "2/activate/")[0] == 409
        assert post(dana, "2/approve/", digest=made["digest"])[0] == 403
        assert post(erik, "2/approve/", digest="sha256:" + "0" * 64)[0] == 409
        assert post(erik, "2/approve/", digest=made["digest"])[1]["state"] == "approved"
        assert post(erik, "2/activate/")[1]["state"] == "in_force"
        system = erik.get("/api/v1/systems/digits/").json()
        assert system["policy"]["number"] == 2
        assert system["policy"]["digest"] == made["digest"]
        assert post(erik, "1/rollback/")[0] == 409
        assert post(erik, "2/rollback/", because="Too much.")[1]["number"] == 1
        assert post(erik, "2/decline/", digest=made["digest"])[0] == 409


@pytest.mark.django_db
class TestPaging:
    def test_pages_follow_one_another_both_ways_without_gap_or_repeat(self) -> None:
        system = cast.system()
        for step in range(6):
            lifecycle.propose(system, cast.policy(threshold={"default": 0.8 - step / 100}), by=cast.acting(cast.dana()))
        rows = PolicyVersion.objects.all()
        first = paging.page(rows, size=3)
        second = paging.page(rows, size=3, cursor=first.next or "")
        third = paging.page(rows, size=3, cursor=second.next or "")
        assert [[v.number for v in page.rows] for page in (first, second, third)] == [[7, 6, 5], [4, 3, 2], [1]]
        assert first.previous is None
        assert third.next is None
        assert paging.page(rows, size=3, cursor=third.previous or "").rows == second.rows
        back = paging.page(rows, size=3, cursor=second.previous or "")
        assert back.rows == first.rows
        assert back.previous is None
        assert back.next == first.next

    def test_a_page_is_one_query_and_never_an_offset(self, django_assert_num_queries) -> None:
        cast.system()
        with django_assert_num_queries(1) as seen:
            page = paging.page(Entry.objects.all(), size=2)
        with django_assert_num_queries(1) as then:
            paging.page(Entry.objects.all(), size=2, cursor=page.next or "")
        assert not any("OFFSET" in query["sql"] for query in [*seen.captured_queries, *then.captured_queries])

    @pytest.mark.parametrize(
        "asked",
        ["cursor=x", "cursor=%00", "cursor=" + "A" * 23, "limit=0", "limit=201", "limit=x", "limit=-1", "limit=٣"],
    )
    def test_a_cursor_or_limit_that_is_not_ours_is_refused(self, asked: str) -> None:
        cast.system()
        answer = cast.signed_in(cast.dana()).get(f"{URL}?{asked}")
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"].startswith("?")

    def test_an_empty_list_is_a_page(self) -> None:
        assert paging.page(Person.objects.none()) == paging.Page([], None, None)


@pytest.mark.django_db
def test_the_description_is_openapi_3_1_and_names_every_governance_door_with_its_problems() -> None:
    answer = Client().get("/api/v1/openapi.json")
    described = json.loads(answer.content)
    assert described["openapi"].startswith("3.1")
    assert "Problem" in described["components"]["schemas"]
    post = described["paths"]["/api/v1/systems/{slug}/policies/"]["post"]
    assert {"200", "201", "401", "403", "404", "415", "422"} <= set(post["responses"])
    assert {"key": []} in post["security"]
    ids = [
        door["operationId"] for path in described["paths"].values() for door in path.values() if isinstance(door, dict)
    ]
    assert len(ids) == len(set(ids))


def test_a_problem_without_a_request_has_no_instance() -> None:
    assert "instance" not in problems.problem(404, "not_found")
