"""Who sees what: each person and each key finds what is theirs to know at every door, and nothing else at any."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from django.test import Client

from governance.models import Entry, Output, Person, PolicyVersion, System
from governance.people import keys
from governance.people.actors import CONSOLE
from reviews.delivery import endpoints
from reviews.models import Decision, Endpoint, Item, Seat
from reviews.routing.waiting import route_waiting
from tests import cast
from tests.reviews.intake.sent import raw

pytestmark = [pytest.mark.django_db, pytest.mark.journey]
JSON = "application/json"
API = "/api/v1/"
FINAL_AT_ONCE = {**cast.POLICY["review"], "undo_seconds": 0}
SCOPES = (
    "outputs:write", "outputs:read", "reviews:write", "decisions:read", "outcomes:write", "policies:read",
    "policies:write", "evidence:read", "webhooks:write",
)  # fmt: skip


class Visitor:
    """Somebody at the doors: a browser in which a person is signed in, or a program with a key."""

    def __init__(self, browser: Client | None = None, secret: str = "") -> None:
        self.client, self.headers = browser or Client(), cast.bearer(secret) if secret else {}

    def get(self, url: str) -> Any:
        return self.client.get(url, headers=self.headers)

    def post(self, url: str, body: Any = None) -> Any:
        data = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        return self.client.post(url, data, content_type=JSON, headers=self.headers)

    def read(self, url: str) -> str:
        """What the door answers, as text with every escape undone; "" where it answers that there is nothing for them."""
        answer = self.get(url)
        assert answer.status_code in (200, 302, 403, 404), (url, answer.status_code)
        if answer.status_code != 200:
            return ""
        body = b"".join(answer) if answer.streaming else answer.content
        return str(body.decode())


def signed_in(who: Person) -> Visitor:
    return Visitor(cast.signed_in(who))


def with_key(system: System, *scopes: str, person: Person | None = None) -> Visitor:
    return Visitor(secret=cast.key_for(system, scopes or SCOPES, person))


def producer(system: System) -> Visitor:
    """A program with every scope that needs no person."""
    return with_key(system, *(scope for scope in SCOPES if scope not in keys.NEED_A_PERSON))


def everybody(role: str, system: System) -> Iterator[tuple[str, Visitor]]:
    """A person of this role by both of her ways in: her browser, and a key of hers with every scope."""
    who = cast.person(f"one-{role}", role)
    yield f"{role} in the browser", signed_in(who)
    yield f"{role} with a key", with_key(system, person=who)


def doors(output: Output) -> Iterable[str]:
    """Every door that tells of outputs and decisions."""
    id, system = output.pk, output.system.slug
    yield from ("/", "/queue/", "/history/", f"/history/?system={system}", "/history/export.csv", f"/outputs/{id}/")
    yield from (f"{API}outputs/", f"{API}outputs/{id}/", f"{API}outputs/{id}/trace/", f"{API}outputs/?system={system}")
    yield from (f"{API}decisions/", f"{API}decisions/?format=jsonl", f"{API}decisions/?format=csv")
    yield from (f"/systems/{system}/", f"/systems/{system}/tuning/", f"{API}systems/{system}/tuning/", "/evidence/")
    yield from (f"/evidence/{entry}/" for entry in Entry.objects.values_list("pk", flat=True))
    yield from (f"/review/{item}/" for item in Item.objects.filter(output=output).values_list("pk", flat=True))


def claim_and_decide(who: Person, item: Item, **said: Any) -> Any:
    visitor = with_key(item.system, "reviews:write", person=who)
    claimed = visitor.post(f"{API}reviews/{item.pk}/claim/")
    assert claimed.status_code == 200, claimed.content
    token = claimed.json()["claim"]["token"]
    answer = visitor.post(f"{API}reviews/{item.pk}/decide/", {"claim_token": token, **said})
    assert answer.status_code == 200, answer.content
    return claimed.json()["item"], answer.json()


# Keys of another system


def test_for_a_key_of_another_system_there_is_nothing_at_any_address() -> None:
    """Not even to the key of somebody whose role holds everywhere: a key opens one system."""
    system, other = cast.system(review=FINAL_AT_ONCE), cast.system("letters")
    told = producer(system).post(f"{API}outputs/", raw(confidence=0.5)).json()
    route_waiting()
    item = Item.objects.get()
    _, decided = claim_and_decide(cast.alice(), item, verdict="approve")
    endpoint, _ = endpoints.create(system, url="https://hooks.example.org/a", events=["output.resolved"], by=CONSOLE)
    hook, policies = f"{API}webhooks/{endpoint.pk}/", f"{API}systems/digits/policies/"
    digest = PolicyVersion.objects.get(system=system).digest
    asked: list[tuple[str, str, Any]] = [
        ("GET", told["links"]["self"], None), ("GET", told["links"]["trace"], None), ("GET", f"{API}systems/digits/", None),
        ("GET", policies, None), ("GET", f"{policies}1/", None), ("GET", f"{API}systems/digits/tuning/", None),
        ("GET", hook, None), ("POST", f"{hook}rotate/", {}), ("POST", f"{hook}test/", {}), ("POST", f"{hook}replay/", {}),
        ("POST", f"{API}outputs/", raw("new")), ("POST", policies, {"policy": cast.policy(), "because": "Mine."}),
        *(("POST", f"{policies}1/{verb}/", {"digest": digest}) for verb in ("approve", "decline", "activate", "rollback")),
        ("POST", f"{API}reviews/{item.pk}/claim/", {}), ("POST", f"{API}decisions/{decided['decision']}/undo/", {}),
        ("POST", f"{API}decisions/{decided['decision']}/supersede/", {"verdict": "reject"}),
    ]  # fmt: skip
    for who in (cast.alice(), cast.carol(), cast.dana(), cast.erik(), cast.eng(), None):
        stranger = with_key(other, person=who) if who else producer(other)
        for method, url, body in asked:
            answer = stranger.get(url) if method == "GET" else stranger.post(url, body)
            # Where a scope or role is missing already, that is said first: it tells nothing about the system.
            assert answer.status_code in (403, 404), (who, method, url, answer.status_code, answer.content)
            made_up = url.replace("digits", "nowhere")
            for real in (told["id"], item.pk, decided["decision"], endpoint.pk):
                made_up = made_up.replace(str(real), "01926b3e-0000-7000-8000-000000000000")
            body = raw("new", system="nowhere") if isinstance(body, bytes) else body
            again = stranger.get(made_up) if method == "GET" else stranger.post(made_up, body)
            assert shape(again) == shape(answer), (url, "no oracle: what is another's answers like what is not there")
        assert stranger.get(f"{API}outputs/").json()["results"] == []
    assert Output.objects.count() == 1
    assert Endpoint.objects.get(pk=endpoint.pk).removed_at is None


def shape(answer: Any) -> tuple[int, dict[str, Any]]:
    told = answer.json()
    return answer.status_code, {name: value for name, value in told.items() if name != "instance"}  # the request


# Personal data

PERSONAL = ("planted-mail", "planted-name", "planted-other", "planted-phone", "planted-words", "planted-fix", "planted-note")
PRIVATE = {
    "output": {"type": "object", "properties": {"digit": {"type": "integer"}, "name": {"type": "string"}}},
    "personal_data": ["/input/email", "/output/name", "/attributes/phone"],
}


@pytest.fixture
def private() -> Output:
    """An output full of personal data, overridden by a person who wrote some more."""
    system = cast.system(
        contract_parts=PRIVATE, review=FINAL_AT_ONCE, audit={"rate": 0},
        rules=[{"id": "mail", "when": {"field": "input.email", "op": "starts_with", "value": "plant"}, "then": "review"}],
        routing={
            "default": {"queue": "general"}, "queues": {"general": {"mode": "pull"}},
            "rules": [{"id": "by-name", "when": {"field": "output.name", "op": "exists"}, "queue": "general"}],
        },
    )  # fmt: skip
    body = raw(
        input={"email": "planted-mail@example.org"}, output={"digit": 7, "name": "planted-name"},
        alternatives=[{"output": {"digit": 1, "name": "planted-other"}, "confidence": 0.1}],
        attributes={"phone": "planted-phone"}, explanation="planted-words",
    )  # fmt: skip
    assert producer(system).post(f"{API}outputs/", body).status_code == 201
    route_waiting()
    claim_and_decide(
        cast.alice(), Item.objects.get(), verdict="override", output={"digit": 1, "name": "planted-fix"},
        reasons=["wrong-label"], comment="planted-note",
    )  # fmt: skip
    return Output.objects.get()


@pytest.mark.parametrize("role", ["owner", "approver", "engineer", "admin"])
def test_personal_data_is_at_no_door_for_roles_that_do_not_include_it(private: Output, role: str) -> None:
    for name, visitor in everybody(role, private.system):
        for door in doors(private):
            said = visitor.read(door)
            assert [planted for planted in PERSONAL if planted in said] == [], (name, door)


@pytest.mark.parametrize("role", ["reviewer", "lead", "auditor"])
def test_personal_data_is_there_for_those_who_need_it(private: Output, role: str) -> None:
    """Else the test above would prove nothing."""
    for name, visitor in everybody(role, private.system):
        told = "".join(visitor.read(door) for door in doors(private))
        expected = set(PERSONAL) if role != "reviewer" else set(PERSONAL) - {"planted-fix", "planted-note"}
        assert {planted for planted in PERSONAL if planted in told} >= expected, name


def test_masking_hides_values_and_nothing_else(private: Output) -> None:
    seen = {
        role: next(iter(everybody(role, private.system)))[1].get(f"{API}outputs/{private.pk}/").json()
        for role in ("owner", "auditor")
    }
    assert shape_of(seen["owner"]) == shape_of(seen["auditor"])
    assert seen["owner"]["output"]["digit"] == 7
    assert seen["owner"]["resolution"]["output"]["digit"] == 1


def shape_of(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: shape_of(member) for name, member in value.items()}
    return [shape_of(member) for member in value] if isinstance(value, list) else type(value).__name__


# Blind items


@pytest.mark.parametrize("hold", [False, True])
@pytest.mark.parametrize("roles", [("reviewer",), ("lead",), ("reviewer", "owner"), ("reviewer", "auditor", "admin")])
def test_a_blind_item_hides_its_output_from_whoever_may_have_to_judge_it(hold: bool, roles: tuple[str, ...]) -> None:
    system = cast.system(audit={"rate": 1, "hold": hold}, review=FINAL_AT_ONCE)
    sent = producer(system).post(f"{API}outputs/", raw("msg-blind", explanation="planted-why", output={"digit": 7}))
    id = sent.json()["id"]
    route_waiting()
    output, item = Output.objects.get(), Item.objects.get()
    who = cast.person("rita")
    for role in roles:
        who = cast.person("rita", role)
    ways = [signed_in(who), with_key(system, person=who)]
    ours = {f"/review/{item.pk}/"}
    for visitor in ways:
        for door in doors(output):
            said = visitor.read(door)
            assert "planted-why" not in said, door
            if door not in ours:
                assert id not in said, door
                assert "msg-blind" not in said, door
        assert visitor.get(f"/outputs/{id}/").status_code in (302, 404)
        assert visitor.get(f"{API}outputs/{id}/").status_code == 404
        assert visitor.get(f"{API}outputs/{id}/trace/").status_code == 404
    assert_nothing_in_the_tables(ways[0], output)
    card = ways[1].post(f"{API}reviews/{item.pk}/claim/").json()
    hidden = ("output", "confidence", "alternatives", "explanation", "rule", "threshold")
    assert {name: card["item"][name] for name in hidden} == dict.fromkeys(hidden)
    page = ways[0].read(f"/review/{item.pk}/")
    assert "planted-why" not in page
    assert "threshold" not in page.replace("trial-threshold", "")
    done = ways[1].post(f"{API}reviews/{item.pk}/decide/", {"claim_token": card["claim"]["token"], "output": {"digit": 7}})
    assert done.status_code == 200
    for visitor in ways:
        assert visitor.get(f"{API}outputs/{id}/").status_code == 200, "now she may read all of it"
        assert "planted-why" in visitor.read(f"{API}outputs/{id}/")
    assert "planted-why" in ways[0].read(f"/outputs/{id}/")


def assert_nothing_in_the_tables(visitor: Visitor, output: Output) -> None:
    """The admin's tables, where one of her roles opens them, tell her that there is an entry, and nothing of what it says."""
    for entry in Entry.objects.filter(subject=output.pk):
        read = visitor.read(f"/admin/governance/entry/{entry.pk}/change/")
        assert not [told for told in ("planted-why", "950000", "threshold:default", '"lane"') if told in read]


def test_the_first_of_two_answers_is_at_no_door_for_whoever_could_give_the_second() -> None:
    routing = {"default": {"queue": "general", "reviewers": 2}, "queues": {"general": {"mode": "pull"}}}
    system = cast.system(routing=routing, review=FINAL_AT_ONCE)
    producer(system).post(f"{API}outputs/", raw(confidence=0.5))
    route_waiting()
    output, item = Output.objects.get(), Item.objects.get()
    said = {"verdict": "override", "output": {"digit": 4}, "comment": "planted-first"}
    claim_and_decide(cast.alice(), item, **said)
    decision = str(Decision.objects.get().pk)
    cast.person("both", "auditor")
    for who in (cast.bob(), cast.carol(), cast.person("both", "reviewer")):
        for visitor in (signed_in(who), with_key(system, person=who)):
            for door in doors(output):
                read = visitor.read(door)
                assert "planted-first" not in read, door
                assert decision not in read, door
    assert "planted-first" in signed_in(cast.ruth()).read(f"/outputs/{output.pk}/"), "who can sit in no seat may read it"


# Audits


def test_a_key_that_may_not_read_evidence_cannot_tell_an_audit_from_a_plain_release(settings: Any) -> None:
    """Whole answers are compared, member by member, at every door of a producer."""
    system = cast.system(audit={"rate": 0.5}, review=FINAL_AT_ONCE)
    plain = with_key(system, "outputs:write", "outputs:read", "decisions:read", "policies:read", "webhooks:write")
    for number in range(24):
        assert plain.post(f"{API}outputs/", raw(f"n{number:02}")).status_code == 201
    route_waiting()
    for item in Item.objects.all():
        claim_and_decide(cast.alice(), item, output={"digit": 7})
    outputs = list(Output.objects.select_related("system"))
    is_audit = {str(output.pk): output.is_audit for output in outputs}
    assert 4 < sum(is_audit.values()) < 20
    listed = plain.get(f"{API}outputs/").json()["results"]
    tell_nothing(listed, is_audit)
    tell_nothing([plain.get(line["links"]["self"]).json() for line in listed], is_audit)
    tell_nothing([plain.post(f"{API}outputs/", raw(line["external_id"])).json() for line in listed], is_audit)
    tell_nothing([plain.get(line["links"]["trace"]).json() for line in listed], is_audit, id_in="output")
    assert plain.get(f"{API}decisions/").json()["results"] == []
    for format in ("jsonl", "csv"):
        assert "\nn" not in plain.read(f"{API}decisions/?format={format}")
        assert not any(id in plain.read(f"{API}decisions/?format={format}") for id in is_audit)
    trusted = producer(system)
    seen = {line["id"]: line["verdict"]["audit"] for line in trusted.get(f"{API}outputs/").json()["results"]}
    assert seen == is_audit, "else there would be nothing to tell"


def tell_nothing(answers: list[dict[str, Any]], is_audit: dict[str, bool], *, id_in: str = "id") -> None:
    """Audited and plain answers are the same but for ids, times and hashes, which are drawn alike."""
    kinds: dict[bool, set[str]] = {True: set(), False: set()}
    for answer in answers:
        kinds[is_audit[answer[id_in]]].add(without_names(answer))
    assert kinds[True] == kinds[False], kinds
    assert len(kinds[True]) == 1


_NAMES = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{64}|\d{4}-\d\d-\d\dT[\d:.]+Z|\bn\d\d\b")


def without_names(answer: Any) -> str:
    """The whole answer, with a dot for every id, hash and time: these differ between any two outputs."""
    return _NAMES.sub(".", json.dumps(answer, sort_keys=True))


# Roles, scopes and one's own work


def test_a_key_has_the_rights_of_its_scopes_and_of_its_person_and_no_more() -> None:
    system = cast.system()
    producer(system).post(f"{API}outputs/", raw(confidence=0.5))
    route_waiting()
    policy = {"policy": cast.policy(threshold={"default": 0.95}), "because": "To try."}
    hook = {"url": "https://hooks.example.org/b", "events": ["output.resolved"]}
    ask: dict[str, Callable[[Visitor], Any]] = {
        "next": lambda who: who.post(f"{API}reviews/next/"),
        "propose": lambda who: who.post(f"{API}systems/digits/policies/", policy),
        "tuning": lambda who: who.get(f"{API}systems/digits/tuning/"),
        "decisions": lambda who: who.get(f"{API}decisions/"),
        "hooks": lambda who: who.post(f"{API}webhooks/", hook),
    }
    may = {
        "reviewer": {"next": 200, "propose": 403, "tuning": 403, "decisions": 200, "hooks": 403},
        "owner": {"next": 403, "propose": 201, "tuning": 200, "decisions": 200, "hooks": 403},
        "engineer": {"next": 403, "propose": 403, "tuning": 403, "decisions": 403, "hooks": 201},
        "auditor": {"next": 403, "propose": 403, "tuning": 200, "decisions": 200, "hooks": 403},
    }
    for role, expected in may.items():
        who = cast.person(f"one-{role}", role, system=system)
        visitor = with_key(system, person=who)
        assert {name: door(visitor).status_code for name, door in ask.items()} == expected, role
        bare = with_key(system, "outputs:read", person=who)
        refused = {name: door(bare) for name, door in ask.items()}
        assert {answer.status_code for answer in refused.values()} == {403}, "a key without the scope opens nothing"
        assert "lacks the scope" in refused["next"].json()["detail"]
        keys.revoke(keys.ApiKey.objects.filter(person=who).latest("id"), by=CONSOLE)


@pytest.mark.parametrize("by", ["her browser", "her key", "the page"])
def test_nobody_approves_her_own_proposal_by_any_door_whatever_her_roles(by: str) -> None:
    system = cast.system()
    dana = cast.person("dana", "owner")
    for role in ("approver", "admin", "lead"):
        dana = cast.person("dana", role)
    browser, key = signed_in(dana), with_key(system, person=dana)
    proposed = key.post(f"{API}systems/digits/policies/", {"policy": cast.policy(threshold={"default": 0.5}), "because": "x"})
    assert proposed.status_code == 201, proposed.content
    version = PolicyVersion.objects.get(number=2)
    signature = {"digest": version.digest}
    url = f"{API}systems/digits/policies/2/"
    if by == "the page":
        form = {"do": "approve", "digest": version.digest, "comment": ""}
        answer = browser.client.post("/systems/digits/proposals/2/", form)
    else:
        answer = (browser if by == "her browser" else key).post(f"{url}approve/", signature)
    assert answer.status_code == 403, answer.content
    assert (browser if by != "her key" else key).post(f"{url}activate/").status_code in (403, 409)
    version.refresh_from_db()
    assert (version.state, version.approvals.count()) == ("proposed", 0)
    assert signed_in(cast.erik()).post(f"{url}approve/", signature).status_code == 200


def test_an_approvers_key_does_not_sign_in_her_place() -> None:
    system = cast.system()
    proposed = {"policy": cast.policy(threshold={"default": 0.5}), "because": "To try."}
    with_key(system, person=cast.dana()).post(f"{API}systems/digits/policies/", proposed)
    version = PolicyVersion.objects.get(number=2)
    url = f"{API}systems/digits/policies/2/"
    key = with_key(system, person=cast.erik())
    for verb in ("approve", "activate"):
        assert key.post(f"{url}{verb}/", {"digest": version.digest} if verb == "approve" else {}).status_code == 403
    assert PolicyVersion.objects.get(number=2).state == "proposed"


def test_a_reviewer_never_judges_what_she_sent_in_with_a_key_of_hers() -> None:
    system = cast.system()
    hers = with_key(system, person=cast.alice())
    sent = hers.post(f"{API}outputs/", raw(confidence=0.5))
    assert sent.status_code == 201, sent.content
    route_waiting()
    item = Item.objects.get()
    browser = signed_in(cast.alice())
    assert hers.post(f"{API}reviews/next/").status_code == 204
    assert hers.post(f"{API}reviews/{item.pk}/claim/").status_code in (403, 404, 409)
    assert browser.client.post("/queue/next/").headers["Location"] == "/queue/"
    assert browser.client.post(f"/review/{item.pk}/take/").status_code in (403, 404, 409)
    assert Seat.objects.get().claimed_by is None
    assert with_key(system, person=cast.bob()).post(f"{API}reviews/next/").status_code == 200
