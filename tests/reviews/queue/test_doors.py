"""The doors of the queue and of decisions: by somebody who may, somebody who may not, and with what should not come."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import F
from django.test import Client
from uuid_utils.compat import uuid7

from reviews.models import Decision, Seat
from reviews.queue import marks
from tests import cast
from tests.reviews.desk import desk

pytestmark = pytest.mark.django_db
API = "/api/v1"
REVIEWING = ("reviews:write", "decisions:read")


class Program:
    """A client with a key."""

    def __init__(self, system, *scopes, person=None):
        self.client = Client(headers=cast.bearer(cast.key_for(system, scopes or REVIEWING, person)))

    def post(self, path, body=None, status=None):
        answer = self.client.post(f"{API}/{path}", json.dumps(body or {}), content_type="application/json")
        assert status is None or answer.status_code == status, answer.content
        return answer.json() if answer.content else None

    def get(self, path, status=200):
        answer = self.client.get(f"{API}/{path}")
        assert answer.status_code == status, answer.content
        return answer.json()


@pytest.fixture(autouse=True)
def _no_marks():
    marks.forget()


@pytest.fixture
def system():
    return cast.system()


@pytest.fixture
def alice(system):
    return Program(system, person=cast.alice())


def test_taking_and_deciding_as_a_program_does_it(system, alice):
    (item,) = desk(system, context={"explanation": "A stroke and a bar.", "attributes": {"channel": "scan"}})
    taken = alice.post("reviews/next/", status=200)
    card, claim = taken["item"], taken["claim"]
    assert (card["id"], card["system"], card["queue"]) == (str(item.pk), "digits", "general")
    assert (card["output"], card["input"], card["confidence"]) == ({"digit": 7}, {"pixels": [1, 2]}, 0.62)
    assert (card["explanation"], card["attributes"]) == ("A stroke and a bar.", {"channel": "scan"})
    assert card["answers"] is None
    assert card["why"][0] == "Confidence 0.62 is under 0.90."
    assert datetime.fromisoformat(claim["expires_at"]) > datetime.now(UTC) + timedelta(minutes=9)
    body = {"claim_token": claim["token"], "verdict": "override", "output": {"digit": 3}, "reasons": ["wrong-label"]}
    done = alice.post(f"reviews/{card['id']}/decide/", body, status=200)
    assert done["item"] == {"state": "closed"}
    assert alice.post(f"reviews/{card['id']}/decide/", body, status=409)["code"] == "conflict"
    assert alice.post("reviews/next/", status=None) is None
    again = alice.post(f"decisions/{done['decision']}/undo/", status=200)
    assert again["item"]["id"] == card["id"]
    assert alice.post(f"decisions/{done['decision']}/undo/", status=409)["detail"].startswith("You took this decision")


def test_nothing_to_do_is_204(alice):
    answer = alice.client.post(f"{API}/reviews/next/", "{}", content_type="application/json")
    assert (answer.status_code, answer.content) == (204, b"")
    assert alice.client.post(f"{API}/reviews/next/", "", content_type="application/json").status_code == 204


def test_the_card_after_this_one_is_claimed_ahead(system, alice):
    desk(system, 2)
    now, ahead = alice.post("reviews/next/"), alice.post("reviews/next/?ahead=1")
    assert (now["claim"]["soft"], ahead["claim"]["soft"]) == (False, True)
    kept = alice.post(f"reviews/{ahead['item']['id']}/renew/", {"claim_token": ahead["claim"]["token"]}, status=200)
    assert kept["claim"] == {**ahead["claim"], "soft": False, "expires_at": kept["claim"]["expires_at"]}


def test_a_blind_card_shows_nothing_of_the_ais_answer(system, alice):
    desk(system, purpose="audit", context={"explanation": "SECRET", "alternatives": [{"output": {"digit": 1}}]})
    card = alice.post("reviews/next/")["item"]
    hidden = ("output", "confidence", "alternatives", "explanation", "rule", "threshold", "answers")
    assert card["blind"] is True
    assert [card[name] for name in hidden] == [None] * len(hidden)
    assert "SECRET" not in json.dumps(card)
    assert "audit" not in json.dumps(card)


@pytest.mark.parametrize("verb", ["release", "skip", "escalate", "hold"])
def test_giving_back(system, alice, verb):
    (item,) = desk(system)
    token = alice.post("reviews/next/")["claim"]["token"]
    body = {"claim_token": token}
    if verb == "hold":
        body["until"] = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    if verb != "release":
        body["reason"] = "Not mine."
    alice.post(f"reviews/{item.pk}/{verb}/", body, status=204)
    alice.post(f"reviews/{item.pk}/{verb}/", body, status=409)
    assert Seat.objects.get(item=item).claimed_by is None


DOORS = ["next", "claim", "renew", "release", "skip", "escalate", "hold", "decide", "undo", "supersede"]


def knock(client, door, item, token=None, decision=None):
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    bodies = {
        "next": ("reviews/next/", {}),
        "claim": (f"reviews/{item}/claim/", {}),
        "decide": (f"reviews/{item}/decide/", {"claim_token": token, "verdict": "approve"}),
        "hold": (f"reviews/{item}/hold/", {"claim_token": token, "until": until}),
        "undo": (f"decisions/{decision}/undo/", {}),
        "supersede": (f"decisions/{decision}/supersede/", {"verdict": "approve"}),
    }
    path, body = bodies.get(door, (f"reviews/{item}/{door}/", {"claim_token": token}))
    answer = client.post(f"{API}/{path}", json.dumps(body), content_type="application/json")
    assert answer.status_code < 500, answer.content
    return answer.status_code


@pytest.mark.parametrize("door", DOORS)
def test_every_door_asks_for_a_reviewers_key(system, alice, door):
    (item,) = desk(system)
    token = alice.post("reviews/next/")["claim"]["token"]
    decision = uuid7()
    producer = Program(system, "outputs:write", "outputs:read")
    assert knock(producer.client, door, item.pk, token, decision) == 403
    assert knock(Client(), door, item.pk, token, decision) == 401
    owner = Program(system, person=cast.dana())
    assert knock(owner.client, door, item.pk, token, decision) in (403, 404)
    assert Seat.objects.get(item=item).claim_token is not None


@pytest.mark.parametrize("door", [door for door in DOORS if door != "next"])
def test_a_reviewer_of_another_system_finds_nothing_here(system, alice, door):
    (item,) = desk(system)
    taken = alice.post("reviews/next/")["claim"]["token"]
    frank = Program(cast.system("other"), person=cast.person("frank", "reviewer"))
    decision = uuid7()
    assert knock(frank.client, door, item.pk, taken, decision) == 404


@pytest.mark.parametrize("door", ["renew", "release", "skip", "escalate", "decide"])
def test_a_colleague_cannot_use_a_claim_that_is_not_hers(system, alice, door):
    (item,) = desk(system)
    token = alice.post("reviews/next/")["claim"]["token"]
    bob = Program(system, person=cast.bob())
    assert knock(bob.client, door, item.pk, token) == 409


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"verdict": "approve"}, "/claim_token"),
        ({"claim_token": "nonsense", "verdict": "approve"}, "/claim_token"),
        ({"claim_token": 7, "verdict": "approve"}, "/claim_token"),
        ({"claim_token": None, "verdict": "approve", "colour": 1}, "/colour"),
        ({"verdict": "perhaps"}, "/verdict"),
        ({"verdict": 1}, "/verdict"),
        ({"verdict": "reject", "reasons": "wrong-label"}, "/reasons"),
        ({"verdict": "reject", "reasons": ["no-such"]}, "/reasons/0"),
        ({"verdict": "override"}, "/output"),
        ({"verdict": "override", "output": {"digit": 11}}, "/output/digit"),
        ({"verdict": "override", "output": {"digit": 7}}, "/output"),
        ({"verdict": "approve", "comment": 3}, "/comment"),
        ({"verdict": "approve", "took_ms": "long"}, "/took_ms"),
    ],
)
def test_a_malformed_decision_is_refused_with_a_pointer(system, alice, body, pointer):
    (item,) = desk(system)
    token = alice.post("reviews/next/")["claim"]["token"]
    missing = pointer == "/claim_token" or "colour" in body
    body = body if missing else {"claim_token": token, **body}
    problem = alice.post(f"reviews/{item.pk}/decide/", body, status=422)
    assert pointer in [error["pointer"] for error in problem["errors"]]
    assert not Decision.objects.exists()


def decide_all(program, system, *digits):
    desk(system, len(digits))
    done = []
    for digit in digits:
        taken = program.post("reviews/next/")
        said = {"verdict": "approve"} if digit == 7 else {"verdict": "override", "output": {"digit": digit}}
        body = {"claim_token": taken["claim"]["token"], "comment": f"=HYPERLINK({digit})", **said}
        done.append(program.post(f"reviews/{taken['item']['id']}/decide/", body, status=200)["decision"])
    return done


def test_the_history_is_newest_first_and_paged(system, alice):
    done = decide_all(alice, system, 7, 3, 4)
    first = alice.get("decisions/?limit=2")
    assert [row["id"] for row in first["results"]] == done[:0:-1]
    second = alice.get(first["next"].split(API)[1][1:])
    assert [row["id"] for row in second["results"]] == done[:1]
    assert second["next"] is None
    row = first["results"][0]
    assert (row["verdict"], row["correction"]) == ("override", {"digit": 4})
    assert (row["ai_said"], row["person_said"]) == ("7", "4")
    assert (row["reviewer"]["name"], row["comment"], row["policy"]) == ("Alice", "=HYPERLINK(4)", 1)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("verdict=approve", 1), ("verdict=override", 2), ("rule=threshold:default", 3), ("rule=none", 0),
        ("reviewer=alice@example.org", 3), ("reviewer=bob@example.org", 0), ("model_version=1", 3), ("policy=1", 3),
        ("policy=2", 0), ("system=digits", 3), ("system=other", 0), ("from=2000-01-01", 3), ("to=2000-01-01", 0),
        ("from=2000-01-01T00:00:00Z&to=2999-01-01", 3), ("q=hyperlink", 3), ("q=nothing", 0), ("reason=wrong-label", 0),
    ],
)  # fmt: skip
def test_the_history_is_filtered(system, alice, query, found):
    decide_all(alice, system, 7, 3, 4)
    assert len(alice.get(f"decisions/?{query}")["results"]) == found


NONSENSE = ["colour=red", "verdict=perhaps", "policy=x", "from=yesterday", "cursor=!", "q=a%00b"]


@pytest.mark.parametrize("query", NONSENSE)
def test_a_filter_that_means_nothing_is_refused(alice, query):
    assert alice.get(f"decisions/?{query}", status=422)["errors"]


def test_the_history_streams_as_lines_and_as_a_sheet_that_runs_no_formula(system, alice):
    done = decide_all(alice, system, 7, 3)
    lines = b"".join(alice.client.get(f"{API}/decisions/?format=jsonl")).splitlines()
    assert [json.loads(line)["id"] for line in lines] == done[::-1]
    sheet = alice.client.get(f"{API}/decisions/", headers={"Accept": "text/csv"})
    assert sheet["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(b"".join(sheet).decode())))
    assert [row["id"] for row in rows] == done[::-1]
    assert rows[0]["comment"] == "'=HYPERLINK(3)"
    assert rows[0]["reviewer"] == "Alice"


def test_a_reviewer_sees_her_own_history_and_a_lead_everybodys(system, alice):
    decide_all(alice, system, 7)
    bob, carol = (Program(system, person=who) for who in (cast.bob(), cast.carol()))
    assert bob.get("decisions/")["results"] == []
    assert len(carol.get("decisions/")["results"]) == 1
    Program(system, person=cast.eng()).get("decisions/", status=403)
    assert len(Program(system, "decisions:read").get("decisions/")["results"]) == 1
    assert Program(cast.system("other"), "decisions:read").get("decisions/")["results"] == []


def test_a_program_of_nobody_knows_reviewers_by_their_ids_alone(system, alice):
    decide_all(alice, system, 7)
    producer, own = Program(system, "decisions:read"), alice.get("decisions/")["results"][0]["reviewer"]
    assert own["name"] == "Alice"
    assert producer.get("decisions/")["results"][0]["reviewer"] == {**own, "name": None}
    sheet = b"".join(producer.client.get(f"{API}/decisions/?format=csv")).decode()
    assert "Alice" not in sheet
    assert own["id"] in sheet
    assert len(producer.get(f"decisions/?reviewer={own['id']}")["results"]) == 1
    producer.get("decisions/?reviewer=alice@example.org", status=422)


def test_a_producer_learns_of_no_audit_from_the_history(system, alice):
    (item,) = desk(system, purpose="audit")
    taken = alice.post("reviews/next/")
    body = {"claim_token": taken["claim"]["token"], "output": {"digit": 7}}
    alice.post(f"reviews/{item.pk}/decide/", body, status=200)
    assert Program(system, "decisions:read").get("decisions/")["results"] == []
    assert len(Program(system, "decisions:read", "evidence:read").get("decisions/")["results"]) == 1
    assert len(alice.get("decisions/")["results"]) == 1


def test_superseding_through_the_door(system, alice):
    (done,) = decide_all(alice, system, 7)
    body = {"verdict": "override", "output": {"digit": 1}}
    assert "until then it can be undone" in alice.post(f"decisions/{done}/supersede/", body, status=409)["detail"]
    Decision.objects.filter(pk=done).update(final_at=F("decided_at"))
    new = alice.post(f"decisions/{done}/supersede/", body, status=201)
    row = alice.get("decisions/?verdict=override")["results"][0]
    assert (row["id"], row["supersedes"]) == (new["decision"], done)


def test_the_list_costs_the_same_queries_at_any_length(system, alice, django_assert_max_num_queries):
    decide_all(alice, system, *([3] * 12))
    with django_assert_max_num_queries(3):
        assert len(alice.get("decisions/")["results"]) == 12
