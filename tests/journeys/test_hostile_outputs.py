"""A hostile AI: whatever it says, every door shows it as text, unchanged or with what hides in it made visible; nothing
of it runs, loads, moves or stands for ours; and no confidence that is none ever releases.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from governance.models import Output
from reviews.delivery import endpoints
from reviews.delivery.sending import deliver_due
from reviews.models import Decision
from reviews.routing.waiting import route_waiting
from tests import cast
from tests.journeys import corpus
from tests.journeys.corpus import CONFIDENCES, MARK, REFUSED, TEXTS, VALUES
from tests.journeys.reading import document, page, rows
from tests.reviews.delivery.receiver import Receiver, receiver

pytestmark = [pytest.mark.django_db, pytest.mark.journey]
JSON = "application/json"
API = "/api/v1/"
ANY = {
    "input": {"type": "object"},
    "output": {"type": "object", "properties": {"answer": {"title": "Answer"}}, "required": ["answer"]},
    "correct_when": ["/output/answer"],
    "personal_data": [],
}
WORDS = ANY | {"output": {"type": "object", "properties": {"answer": {"title": "Answer", "type": "string"}}}}
FINAL_AT_ONCE = {**cast.POLICY["review"], "undo_seconds": 0}


class House:
    """A system whose answers are free text, a program that sends and reads, and the people who look."""

    def __init__(self, contract: dict[str, Any]) -> None:
        self.system = cast.system(contract_parts=contract, audit={"rate": 0}, review=FINAL_AT_ONCE)
        scopes = ("outputs:write", "outputs:read", "decisions:read", "evidence:read")
        self.program = cast.bearer(cast.key_for(self.system, scopes))
        self.reviewer_key = cast.bearer(cast.key_for(self.system, ("reviews:write",), cast.bob()))
        self.alice, self.ruth, self.carol = (
            cast.signed_in(someone()) for someone in (cast.alice, cast.ruth, cast.carol)
        )

    def send(self, external_id: str, raw: bytes | None = None, **parts: Any) -> Any:
        body = {
            "system": "digits", "external_id": external_id, "input": {}, "output": {"answer": "x"}, "confidence": 0.5,
            "model": "m", "model_version": "1", **parts,
        }  # fmt: skip
        data = raw if raw is not None else json.dumps(body).encode()
        return Client().post(f"{API}outputs/", data, content_type=JSON, headers=self.program)

    def ask(self, path: str) -> Any:
        return Client().get(f"{API}{path}", headers=self.program)


@pytest.fixture
def house() -> House:
    return House(WORDS)


@pytest.fixture
def told(house: House, settings: Any) -> Iterator[Receiver]:
    """The producer's web server, which is told of every resolution."""
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    with receiver() as notes:
        endpoints.create(house.system, url=notes.url, events=["output.resolved"], by=cast.CONSOLE)
        yield notes


def everywhere(said: str) -> dict[str, Any]:
    """The members of a body, with this text wherever a text can stand."""
    short = said[:120]
    return {
        "input": {"note": said, said[:300]: [said, {short: short}]}, "output": {"answer": said}, "explanation": said,
        "attributes": {short: said}, "model": short, "model_version": short, "prompt_version": short,
        "alternatives": [{"output": {"answer": f"{said} or not"}, "confidence": 0.3}],
    }  # fmt: skip


def token_in(text: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', text)
    assert found, "the page has no card"
    return found.group(1)


@pytest.mark.parametrize("name", TEXTS)
def test_a_hostile_text_is_text_at_every_door_that_shows_it(house: House, told: Receiver, name: str) -> None:
    said = TEXTS[name]
    sent = document(house.send(said[:200], **everywhere(said)), status=201)
    assert sent["external_id"] == said[:200]
    route_waiting()
    page(house.alice.get("/queue/"), said=said)
    item = sent["review"]["id"]
    decide_on_the_screen(house, item, said)
    read_as_a_program(house, sent["id"], said)
    read_on_the_screens(house, sent["id"], said)
    deliver_due()
    (event,) = told.received
    assert event.headers["content-type"] == JSON
    resolution = json.loads(event.body)["data"]["resolution"]
    assert resolution["output"] == {"answer": f"{said}!".replace("\r\n", "\n").replace("\r", "\n")}


def decide_on_the_screen(house: House, item: str, said: str) -> None:
    """Alice opens the item, is refused once with what she typed, and overrides."""
    house.alice.post("/queue/next/")
    shown = house.alice.get(f"/review/{item}/")
    assert MARK in page(shown, said=said).text
    typed = {"token": token_in(shown.content.decode()), "verdict": "override", "comment": said[:4000]}
    unchanged = {**typed, "field:answer": said, "reasons": said[:200]}
    page(house.alice.post(f"/review/{item}/decide/", unchanged), status=422, said=said)
    done = house.alice.post(f"/review/{item}/decide/", {**typed, "field:answer": f"{said}!"})
    assert done.status_code == 302, page(done, status=done.status_code).text[-800:]
    for address in ("/queue/", "/queue/summary/", f"/review/{item}/", "/"):
        page(house.alice.get(address), said=said)


def read_as_a_program(house: House, id: str, said: str) -> None:
    """Whoever asks in JSON gets the text unchanged, and a sheet in which it is no formula."""
    whole = document(house.ask(f"outputs/{id}/"))
    assert (whole["explanation"], whole["output"], whole["input"]["note"]) == (said, {"answer": said}, said)
    assert whole["attributes"] == {said[:120]: said}
    assert [line["external_id"] for line in document(house.ask("outputs/"))["results"]] == [said[:200]]
    assert document(house.ask(f"outputs/{id}/trace/"))["output"] == id
    decision = document(house.ask("decisions/"))["results"][0]
    assert (decision["external_id"], decision["verdict"]) == (said[:200], "override")
    lines = b"".join(house.ask("decisions/?format=jsonl")).splitlines()
    assert [json.loads(line)["comment"] for line in lines] == [decision["comment"]]
    (row,) = rows(house.ask("decisions/?format=csv"))
    assert row["external_id"].removeprefix("'") == said[:200]


def read_on_the_screens(house: House, id: str, said: str) -> None:
    """The auditor's and the lead's pages, and the sheet that they download."""
    assert MARK in page(house.ruth.get(f"/outputs/{id}/"), said=said).text
    assert MARK in page(house.ruth.get("/history/"), said=said).text
    page(house.ruth.get("/history/?system=digits"), said=said)
    page(house.ruth.get("/history/", {"q": said[:400], "rule": said[:100], "ai_said": said[:100]}), said=said)
    page(house.carol.get("/"), said=said)
    (row,) = rows(house.ruth.get("/history/export.csv"))
    assert MARK in row["comment"]
    decision = Decision.objects.get()
    page(house.carol.get(f"/decisions/{decision.pk}/correct/"), said=said)
    page(house.ruth.get(f"/evidence/{decision.entry_id}/"), said=said)
    page(house.ruth.get("/evidence/"), said=said)


def test_the_next_card_and_the_likes_of_it_are_as_harmless_as_the_first(house: House) -> None:
    """What is kept ready behind the screen, the rail and "decided before" show what AI and people said too."""
    for number, said in enumerate(TEXTS.values()):
        document(house.send(f"{number}", **everywhere(said)), status=201)
        document(house.send(f"{number} again", **everywhere(said)), status=201)
    route_waiting()
    house.alice.post("/queue/next/")
    for _ in range(2 * len(TEXTS) - 1):
        now = house.alice.post("/queue/next/").headers["Location"]
        shown = house.alice.get(now)
        page(shown)
        token = token_in(shown.content.decode())
        ahead = house.alice.post(
            "/review/ahead/", {"shown": now.split("/")[2], "token": token}, headers={"X-Desk": "1"}
        )
        assert MARK in page(ahead).text
        assert house.alice.post(f"{now}decide/", {"token": token, "verdict": "approve"}).status_code == 302
    assert Decision.objects.count() == 2 * len(TEXTS) - 1


@pytest.mark.parametrize("name", VALUES)
def test_a_value_that_nobody_expected_is_shown_and_decided_like_any_other(name: str) -> None:
    house = House(ANY)
    value = VALUES[name]
    raw = (
        '{"system":"digits","external_id":"one","model":"m","model_version":"1","confidence":0.5,"explanation":%s,'
        '"input":{"x":%s},"output":{"answer":%s},"attributes":{"x":%s}}' % ((value,) * 4)
    )
    sent = document(house.send("one", raw.encode()), status=201)
    route_waiting()
    claimed = document(Client().post(f"{API}reviews/next/", {}, content_type=JSON, headers=house.reviewer_key))
    assert claimed["item"]["id"] == sent["review"]["id"]
    released = {"claim_token": claimed["claim"]["token"]}
    path = f"{API}reviews/{claimed['item']['id']}/release/"
    assert Client().post(path, released, content_type=JSON, headers=house.reviewer_key).status_code == 204
    house.alice.post("/queue/next/")
    shown = house.alice.get(f"/review/{claimed['item']['id']}/")
    page(shown)
    done = {"token": token_in(shown.content.decode()), "verdict": "approve"}
    assert house.alice.post(f"/review/{claimed['item']['id']}/decide/", done).status_code == 302
    page(house.ruth.get(f"/outputs/{sent['id']}/"))
    page(house.ruth.get("/history/?system=digits"))
    document(house.ask(f"outputs/{sent['id']}/"))
    document(house.ask(f"outputs/{sent['id']}/trace/"))
    assert len(rows(house.ask("decisions/?format=csv"))) == 1


def test_what_cannot_be_kept_is_refused_at_the_door_with_its_reason(house: House) -> None:
    usual = {"input": b"{}", "output": b'{"answer":"x"}', "explanation": b'""', "attributes": b"{}"}
    for name, (value, code) in REFUSED.items():
        for member in usual:
            members = usual | {member: b'{"x":' + value + b"}"}
            body = b'{"system":"digits","external_id":"one","confidence":0.99,%b}' % b",".join(
                b'"%b":%b' % (part.encode(), text) for part, text in members.items()
            )
            answer = house.send("one", body)
            told = (answer.status_code, answer["Content-Type"], answer.json()["errors"][0]["code"])
            assert told == (422, "application/problem+json", code), (name, member)
    assert not Output.objects.exists()


ADDRESSES = (
    "javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//evil.example/", "https://evil.example/\r\nX: y",
    "http://169.254.169.254/latest/", "http://localhost:6379/", "https://user:pw@evil.example/", "ftp://evil.example/",
)  # fmt: skip


def test_nobody_is_called_back_at_an_address_that_was_not_registered(house: House) -> None:
    for address in ADDRESSES:
        answer = house.send("one", callback_url=address)
        told = (answer.status_code, answer.json()["errors"][0]["pointer"])
        assert told == (422, "/callback_url"), address
    assert not Output.objects.exists()


@pytest.mark.parametrize(
    "rules", [None, ({"id": "all", "when": {"field": "input.n", "op": "exists"}, "then": "release"},)]
)
def test_a_confidence_that_is_none_never_releases_however_careless_the_policy(rules: Any) -> None:
    policy = {"threshold": {"default": 0}, "rules": list(rules) if rules else None, "audit": {"rate": 0}}
    key = cast.bearer(cast.key_for(cast.system(contract_parts=WORDS, **policy)))

    def send(id: str, confidence: str | None) -> Any:
        part = "" if confidence is None else f',"confidence":{confidence}'
        body = f'{{"system":"digits","external_id":"{id}","input":{{"n":1}},"output":{{"answer":"x"}}{part}}}'
        return Client().post(f"{API}outputs/", body.encode(), content_type=JSON, headers=key)

    for name, stated in CONFIDENCES.items():
        answer = send(name, stated)
        assert answer.status_code in (201, 422), (name, answer.content)
        if answer.status_code == 201:
            told = answer.json()
            assert (told["status"], told["verdict"]["lane"], told["resolution"]) == ("in_review", "review", None), name
    assert Output.objects.count() > 10
    assert not Output.objects.exclude(status="in_review", lane="review").exists()
    assert send("trusted", "0.5").json()["status"] == "released", "else this test could not fail"


def test_the_same_confidences_in_a_batch_release_nothing_and_harm_no_neighbour() -> None:
    system = cast.system(threshold={"default": 0}, audit={"rate": 0}, contract_parts=WORDS)
    key = cast.bearer(cast.key_for(system))
    body = '{"system":"digits","external_id":"%d","input":{},"output":{"answer":"x"}%s}'
    stated = [None if text is None else f',"confidence":{text}' for text in CONFIDENCES.values()]
    lines = [body % (number, part or "") for number, part in enumerate(stated)] + [body % (99, ',"confidence":0.5')]
    answer = Client().post(
        f"{API}outputs/batch/", "\n".join(lines).encode(), content_type="application/x-ndjson", headers=key
    )
    told = [json.loads(line) for line in b"".join(answer).splitlines()]
    assert len(told) == len(lines)
    assert {line["output"]["status"] for line in told[:-1] if line["status"] == 201} == {"in_review"}
    assert (told[-1]["status"], told[-1]["output"]["status"]) == (201, "released")


def test_the_corpus_is_what_it_says() -> None:
    """Each text is marked and storable, and holds what its name promises where a test rests on it."""
    assert all(MARK in said[:200] and "\0" not in said for said in TEXTS.values())
    assert sum(any(sign in said for sign in corpus.INVISIBLE) for said in TEXTS.values()) >= 6
    assert all(json.loads(value) is not NotImplemented for value in VALUES.values())
