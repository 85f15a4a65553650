"""A producer sends an output, and asks what became of it."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from governance.models import Output, System
from governance.people.actors import CONSOLE
from reviews import intake
from reviews.models import Item
from tests import cast
from tests.reviews.intake.sent import body, document, raw

pytestmark = pytest.mark.django_db
URL = "/api/v1/outputs/"


@pytest.fixture
def system() -> System:
    return cast.system(audit={"rate": 0}, threshold={"default": 0.9})


class Producer:
    def __init__(self, system: System, *scopes: str, person: Any = None) -> None:
        self.headers = cast.bearer(cast.key_for(system, scopes or ("outputs:write", "outputs:read"), person))
        self.client = Client()

    def send(self, data: Any, content_type: str = "application/json", **headers: str) -> Any:
        data = data if isinstance(data, bytes) else raw(**data)
        return self.client.post(URL, data, content_type=content_type, headers=self.headers | headers)

    def get(self, url: str) -> Any:
        return self.client.get(url, headers=self.headers)


def test_a_confident_output_is_released_with_the_reason_and_what_may_be_done(system: System) -> None:
    answer = Producer(system).send(raw("msg-1", confidence=0.95))
    told = answer.json()
    assert answer.status_code == 201
    assert answer["Location"] == told["links"]["self"]
    assert (told["external_id"], told["status"], told["review"]) == ("msg-1", "released", None)
    verdict = told["verdict"]
    assert (verdict["lane"], verdict["rule"], verdict["threshold"]) == ("release", "threshold:default", 0.9)
    assert verdict["because"] == "Confidence 0.95 is at least 0.90."
    assert verdict["policy_version"] == 1
    assert verdict["policy_digest"].startswith("sha256:")
    assert (verdict["propensity"], verdict["audit"]) == (0.0, False)
    assert told["resolution"]["status"] == "released"
    assert told["resolution"]["by"] == "policy"
    assert told["resolution"]["output"] == {"digit": 7}
    assert told["resolution"]["decision"] is None
    assert datetime.fromisoformat(told["resolution"]["at"]).utcoffset() == timedelta(0)


def test_an_unsure_output_waits_and_says_where_and_until_when(system: System) -> None:
    told = Producer(system).send(raw(confidence=0.62)).json()
    assert (told["status"], told["resolution"]) == ("in_review", None)
    assert told["verdict"]["because"] == "Confidence 0.62 is under 0.90."
    item = Item.objects.get()
    assert told["review"]["id"] == str(item.pk)
    assert told["review"]["queue"] == "general"
    due = datetime.fromisoformat(told["review"]["due_at"]) - item.created_at
    assert due == timedelta(hours=4)


def test_the_same_body_again_gets_the_same_answer_with_200(system: System) -> None:
    producer = Producer(system, "outputs:write", "outputs:read", "evidence:read")
    for number, confidence in enumerate((0.95, 0.5)):
        first, again = (producer.send(raw(f"n{number}", confidence=confidence)) for _ in range(2))
        assert (first.status_code, again.status_code) == (201, 200)
        expected = first.json()
        if expected["review"]:
            expected["review"] |= {"queue": None, "due_at": None}  # routing has not come by yet
        told = again.json()
        assert {name: told[name] for name in expected} == expected
    assert Output.objects.count() == 2


def test_another_body_under_the_same_id_is_refused_as_a_problem(system: System) -> None:
    producer = Producer(system)
    producer.send(raw())
    answer = producer.send(raw(confidence=0.5))
    assert (answer.status_code, answer["Content-Type"]) == (409, "application/problem+json")
    assert answer.json()["code"] == "conflict"
    assert answer.json()["errors"][0]["pointer"] == "/external_id"


def test_a_bad_body_is_a_problem_with_a_pointer_and_leaves_nothing(system: System) -> None:
    answer = Producer(system).send(b'{"system":"digits","external_id":"a","input":{"x":[1,NaN]},"output":1}')
    told = answer.json()
    assert (answer.status_code, answer["Content-Type"], told["code"]) == (422, "application/problem+json", "invalid")
    assert [(e["pointer"], e["code"]) for e in told["errors"]] == [("/input/x/1", "not-finite")]
    assert not Output.objects.exists()


def test_a_body_over_a_mebibyte_is_refused(system: System) -> None:
    answer = Producer(system).send(raw(explanation="x" * 1024 * 1024))
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_what_is_not_called_json_is_refused(system: System) -> None:
    assert Producer(system).send(raw(), content_type="text/plain").status_code == 415


def test_hostile_text_comes_back_as_it_was_sent(system: System) -> None:
    text = "<script>alert(1)</script>\u202e\u2066 {{7*7}} ${jndi:ldap://x} ' OR 1=1 -- \\u0000 \x7f 😀 \t\r\n"
    producer = Producer(system)
    sent = producer.send(raw(explanation=text, attributes={text: text}, input={"email": text})).json()
    told = producer.get(f"{URL}{sent['id']}/").json()
    assert (told["explanation"], told["attributes"], told["input"]) == (text, {text: text}, {"email": text})


@pytest.mark.parametrize(
    ("scopes", "status"), [(("outputs:write",), 201), (("outputs:read",), 403), (("decisions:read",), 403)]
)
def test_only_a_key_that_may_write_sends(system: System, scopes: tuple[str, ...], status: int) -> None:
    assert Producer(system, *scopes).send(raw()).status_code == status


def test_without_a_key_or_with_a_wrong_one_nothing_opens(system: System) -> None:
    client = Client()
    for headers in ({}, cast.bearer("cs_wrong"), {"Authorization": "Basic eA=="}):
        assert client.post(URL, raw(), content_type="application/json", headers=headers).status_code == 401
        assert client.get(URL, headers=headers).status_code == 401
    assert not Output.objects.exists()


def test_a_key_of_one_system_neither_sends_to_nor_sees_another(system: System) -> None:
    producer, stranger = Producer(system), Producer(cast.system("letters"))
    assert stranger.send(raw()).status_code == 404
    id = producer.send(raw()).json()["id"]
    assert stranger.get(f"{URL}{id}/").status_code == 404
    assert stranger.get(URL).json()["results"] == []
    assert producer.get(f"{URL}{id}/").status_code == 200


def test_an_audit_that_is_not_held_is_not_told_to_who_may_not_read_evidence() -> None:
    system = cast.system(audit={"rate": 0.5})
    plain, trusted = Producer(system), Producer(system, "outputs:write", "outputs:read", "evidence:read")
    answers = [plain.send(raw(f"n{number}")).json() for number in range(40)]
    audited = set(Output.objects.filter(is_audit=True).values_list("external_id", flat=True))
    assert 5 < len(audited) < 35
    told = {(a["status"], a["verdict"]["audit"], a["verdict"]["propensity"], a["review"]) for a in answers}
    assert told == {("released", None, None, None)}, "the audited ones look like all others"
    for answer in answers:
        again, seen = (who.get(answer["links"]["self"]).json() for who in (plain, trusted))
        assert (again["verdict"]["audit"], again["verdict"]["propensity"], again["review"]) == (None, None, None)
        is_audited = answer["external_id"] in audited
        assert (seen["verdict"]["audit"], seen["verdict"]["propensity"]) == (is_audited, 0.5)
        assert (seen["review"] is not None) is is_audited
    assert {line["verdict"]["audit"] for line in plain.get(URL).json()["results"]} == {None}
    assert plain.send(raw("n0")).json()["verdict"]["audit"] is None


def test_a_held_audit_is_told() -> None:
    told = Producer(cast.system(audit={"rate": 1, "hold": True})).send(raw()).json()
    assert (told["status"], told["verdict"]["lane"], told["verdict"]["audit"]) == ("in_review", "release", True)
    assert told["review"]["id"] == str(Item.objects.get().pk)


def test_a_decision_counts_for_a_producer_only_once_it_is_final(system: System) -> None:
    producer = Producer(system)
    sent = producer.send(raw(confidence=0.5)).json()
    url = sent["links"]["self"]
    output = Output.objects.get(pk=sent["id"])
    for seconds, status in ((30, "in_review"), (-30, "approved")):
        decided(output, "approved", final_in=seconds)
        told = producer.get(url).json()
        assert told["status"] == status
        assert (told["resolution"] is None) is (seconds > 0)
        assert [line["status"] for line in producer.get(f"{URL}?status={status}").json()["results"]] == [status]
    assert told["resolution"]["output"] == {"digit": 7}


def decided(output: Output, status: str, *, final_in: int) -> None:
    """Ends an output as deciding would: with a new entry, final in so many seconds."""
    from governance.evidence.record import record

    entry = record("decided", actor=CONSOLE, kind="output", id=output.pk, system=output.system_id)
    final_at = timezone.now() + timedelta(seconds=final_in)
    Output.objects.filter(pk=output.pk).update(
        status=status, resolved_by="person", final_at=final_at, entry_id=entry.id
    )


def test_who_waits_is_told_what_to_wait_for_while_nothing_is_final(system: System) -> None:
    producer = Producer(system)
    waiting, ready = (producer.send(raw(str(share), confidence=share)).json()["id"] for share in (0.5, 0.95))
    assert producer.get(f"{URL}{waiting}/?wait=5")["X-Countersign-Wait"] == waiting
    assert "X-Countersign-Wait" not in producer.get(f"{URL}{ready}/?wait=5")
    assert "X-Countersign-Wait" not in producer.get(f"{URL}{waiting}/")
    decided(Output.objects.get(pk=waiting), "approved", final_in=20)
    id, seconds = producer.get(f"{URL}{waiting}/?wait=5")["X-Countersign-Wait"].split()
    assert id == waiting
    assert 15 < float(seconds) <= 20
    assert producer.get(f"{URL}{waiting}/?wait=soon").status_code == 422


def test_the_list_is_filtered_and_paged_and_shows_no_payload(system: System) -> None:
    producer = Producer(system)
    for number in range(5):
        producer.send(raw(f"n{number}", confidence=number / 4, model_version=str(number % 2)))

    def ids(query: str) -> list[str]:
        return [line["external_id"] for line in producer.get(f"{URL}?{query}").json()["results"]]

    assert ids("") == ["n4", "n3", "n2", "n1", "n0"]
    assert ids("status=released") == ["n4"]
    assert ids("rule=threshold:default&model_version=1") == ["n3", "n1"]
    assert ids("system=digits&external_id=n2") == ["n2"]
    assert ids("system=letters") == []
    assert ids("to=2020-01-01T00:00:00Z") == []
    assert len(ids("from=2020-01-01T00:00:00Z")) == 5
    first = producer.get(f"{URL}?limit=2").json()
    second = producer.get(first["next"]).json()
    assert [line["external_id"] for line in second["results"]] == ["n2", "n1"]
    assert producer.get(second["previous"]).json()["results"] == first["results"]
    assert "kim@example.org" not in producer.get(URL).content.decode()
    for query in ("status=lost", "from=soon", "colour=red", "rule=a%00b", "cursor=x", "limit=0"):
        answer = producer.get(f"{URL}?{query}")
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == f"?{query.split('=')[0]}"


@pytest.mark.parametrize("rows", [3, 60])
def test_the_list_takes_the_same_queries_however_long(
    system: System, rows: int, django_assert_max_num_queries: Any
) -> None:
    intake.accept([body(f"n{number}") for number in range(rows)], system=system, actor=CONSOLE)
    producer = Producer(system)
    producer.get(URL)
    with django_assert_max_num_queries(1):
        producer.get(URL)


def test_personal_data_is_masked_for_a_person_without_the_right_to_it(system: System) -> None:
    sent = Producer(system).send(raw(confidence=0.95, explanation="Kim wrote")).json()
    engineer, auditor = (Producer(system, "outputs:read", person=person) for person in (cast.eng(), cast.ruth()))
    url = sent["links"]["self"]
    assert "kim" not in engineer.get(url).content.decode().lower()
    assert engineer.get(url).json()["output"] == {"digit": 7}
    assert auditor.get(url).json()["input"] == document()["input"]


def test_a_blind_output_is_not_there_for_a_reviewer_until_it_is_decided() -> None:
    system = cast.system(audit={"rate": 1})
    sent = Producer(system).send(raw()).json()
    reviewer = Producer(system, "outputs:read", person=cast.alice())
    auditor = Producer(system, "outputs:read", person=cast.ruth())
    url = sent["links"]["self"]
    assert reviewer.get(url).status_code == 404
    assert reviewer.get(URL).json()["results"] == []
    assert auditor.get(url).status_code == 200
    assert len(auditor.get(URL).json()["results"]) == 1


def test_a_key_of_a_person_without_a_role_sees_nothing(system: System) -> None:
    sent = Producer(system).send(raw()).json()
    nobody = Producer(system, "outputs:read", person=cast.eve())
    assert nobody.get(sent["links"]["self"]).status_code == 404
