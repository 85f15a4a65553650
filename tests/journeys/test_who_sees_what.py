"""Who sees what: each person and each key finds what is theirs to know at every door, and nothing else at any."""

from collections.abc import Callable
from typing import Any

import pytest

from governance.models import Output, PolicyVersion
from governance.people import keys
from governance.people.actors import CONSOLE
from reviews.delivery import endpoints
from reviews.models import Endpoint, Item, Seat
from reviews.routing.waiting import route_waiting
from tests import cast
from tests.journeys.visitors import API, Visitor, claim_and_decide, doors, everybody, producer, signed_in, with_key
from tests.reviews.intake.sent import raw

pytestmark = [pytest.mark.django_db, pytest.mark.journey]
FINAL_AT_ONCE = {**cast.POLICY["review"], "undo_seconds": 0}


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
    review, decision = f"{API}reviews/{item.pk}/", f"{API}decisions/{decided['decision']}/"
    digest = {"digest": PolicyVersion.objects.get(system=system).digest}
    read = (
        told["links"]["self"], told["links"]["trace"], f"{API}systems/digits/", policies, f"{policies}1/",
        f"{API}systems/digits/tuning/", hook,
    )  # fmt: skip
    written: dict[str, Any] = {
        f"{API}outputs/": raw("new"), policies: {"policy": cast.policy(), "because": "Mine."},
        **{f"{policies}1/{verb}/": digest for verb in ("approve", "decline", "activate", "rollback")},
        **{f"{hook}{verb}/": {} for verb in ("rotate", "test", "replay")},
        f"{review}claim/": {}, f"{decision}undo/": {}, f"{decision}supersede/": {"verdict": "reject"},
    }  # fmt: skip
    real = (told["id"], str(item.pk), decided["decision"], str(endpoint.pk))

    def made_up(url: str) -> str:
        for id in real:
            url = url.replace(id, "01926b3e-0000-7000-8000-000000000000")
        return url.replace("digits", "nowhere")

    for who in (cast.alice(), cast.carol(), cast.dana(), cast.erik(), cast.eng(), None):
        stranger = with_key(other, person=who) if who else producer(other)
        answers = {url: (stranger.get(url), stranger.get(made_up(url))) for url in read}
        for url, body in written.items():
            nowhere = raw("new", system="nowhere") if isinstance(body, bytes) else body
            answers[url] = (stranger.post(url, body), stranger.post(made_up(url), nowhere))
        for url, (answer, to_nothing) in answers.items():
            # Where a scope or role is missing already, that is said first: it tells nothing about the system.
            assert answer.status_code in (403, 404), (who, url, answer.status_code, answer.content)
            assert shape(answer) == shape(to_nothing), (url, "what is another's answers like what is not there")
        assert stranger.get(f"{API}outputs/").json()["results"] == []
    assert Output.objects.count() == 1
    assert Endpoint.objects.get(pk=endpoint.pk).removed_at is None


def shape(answer: Any) -> tuple[int, dict[str, Any]]:
    told = answer.json()
    return answer.status_code, {name: value for name, value in told.items() if name != "instance"}  # the request


# Personal data

PERSONAL = (
    "planted-mail",
    "planted-name",
    "planted-other",
    "planted-phone",
    "planted-words",
    "planted-fix",
    "planted-note",
)
PRIVATE = {
    "output": {"type": "object", "properties": {"digit": {"type": "integer"}, "name": {"type": "string"}}},
    "personal_data": ["/input/email", "/output/name", "/attributes/phone"],
}


@pytest.fixture
def private() -> Output:
    """An output full of personal data, overridden by a person who wrote some more."""
    system = cast.system(
        contract_parts=PRIVATE, review=FINAL_AT_ONCE, audit={"rate": 0},
        rules=[{"id": "mail", "when": {"field": "input.email", "op": "contains", "value": "mail"}, "then": "review"}],
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
    proposed = key.post(
        f"{API}systems/digits/policies/", {"policy": cast.policy(threshold={"default": 0.5}), "because": "x"}
    )
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
    assert browser.client.post("/queue/next/").headers["Location"].startswith("/queue/")
    assert browser.client.post(f"/review/{item.pk}/take/").status_code in (403, 404, 409)
    assert Seat.objects.get().claimed_by is None
    assert with_key(system, person=cast.bob()).post(f"{API}reviews/next/").status_code == 200
