"""Webhooks are made, changed and taken away through three doors, by those who may, and each step is evidence."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from governance.models import Entry
from governance.people.actors import CONSOLE
from governance.refusals import Conflict
from reviews.delivery import endpoints
from reviews.delivery.sending import deliver_due
from reviews.models import Delivery, Endpoint
from tests import cast
from tests.reviews.delivery.receiver import receiver
from tests.reviews.delivery.stage import announced

API = "/api/v1/webhooks/"
NOW = (0.0,)


def by_key(system) -> tuple[Client, dict[str, str]]:
    return Client(), cast.bearer(cast.key_for(system, ["webhooks:write"]))


def make(system, **body):
    client, headers = by_key(system)
    said = {"url": "https://example.com/hook", "events": ["output.resolved"], **body}
    return client.post(API, said, content_type="application/json", headers=headers)


def test_a_secret_is_in_the_answer_that_makes_it_and_in_no_other(system):
    made = make(system)
    assert made.status_code == 201
    secret = made.json()["secret"]
    assert secret.startswith("whsec_")
    client, headers = by_key(system)
    one = f"{API}{made.json()['id']}/"
    for answer in (
        client.get(API, headers=headers),
        client.get(one, headers=headers),
        client.patch(one, {"enabled": False}, content_type="application/json", headers=headers),
    ):
        assert answer.status_code == 200
        assert secret not in answer.content.decode()
    leaves = b"".join(bytes(entry.leaf) for entry in Entry.objects.all())
    assert secret.encode() not in leaves
    assert b"example.com/hook" not in leaves


def test_every_step_of_a_webhook_is_an_entry_of_its_chain(system):
    id = make(system).json()["id"]
    client, headers = by_key(system)
    for method, path, body in (
        ("post", "test/", None),
        ("patch", "", {"events": ["output.corrected"]}),
        ("post", "rotate/", None),
        ("patch", "", {"enabled": False}),
        ("patch", "", {"enabled": True}),
        ("delete", "", None),
    ):
        answer = getattr(client, method)(f"{API}{id}/{path}", body, content_type="application/json", headers=headers)
        assert answer.status_code < 300, (path, answer.content)
    written = list(Entry.objects.filter(subject=id).order_by("rev").values_list("type", flat=True))
    assert written == [
        "endpoint_created", "endpoint_tested", "endpoint_changed", "secret_rotated", "endpoint_disabled",
        "endpoint_changed", "endpoint_removed",
    ]  # fmt: skip
    assert client.get(f"{API}{id}/", headers=headers).status_code == 404
    assert Endpoint.objects.get(pk=id).secret == ""
    assert Delivery.objects.get().state == "cancelled"


def test_a_key_reaches_only_the_webhooks_of_its_system_and_needs_the_scope(system):
    id = make(system).json()["id"]
    client, stranger = by_key(cast.system("letters"))
    for path in ("", "test/", "rotate/", "replay/"):
        method = client.post if path else client.patch
        assert method(f"{API}{id}/{path}", {}, content_type="application/json", headers=stranger).status_code == 404
    assert client.get(API, headers=stranger).json()["results"] == []
    body = {"system": "digits", "url": "https://example.com/x", "events": ["output.resolved"]}
    assert client.post(API, body, content_type="application/json", headers=stranger).status_code == 404
    reader = cast.bearer(cast.key_for(system, ["outputs:read", "outputs:write"]))
    assert client.get(API, headers=reader).status_code == 403
    assert client.get(API).status_code == 401


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"url": "https://10.0.0.1/"}, "/url"),
        ({"url": "http://example.com/"}, "/url"),
        ({"events": ["output.resolved", "everything"]}, "/events"),
        ({"events": []}, "/events"),
        ({"events": "output.resolved"}, "/events"),
        ({"secret": "whsec_mine"}, "/secret"),
    ],
)
def test_what_cannot_be_is_refused_with_a_pointer(system, settings, body, pointer):
    settings.ALLOW_PRIVATE_WEBHOOKS = False
    answer = make(system, **body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_a_webhook_cannot_be_turned_towards_another_server(system):
    id = make(system).json()["id"]
    client, headers = by_key(system)
    one = f"{API}{id}/"
    moved = client.patch(one, {"url": "https://other.example/"}, content_type="application/json", headers=headers)
    assert moved.status_code == 409
    within = client.patch(one, {"url": "https://example.com/v2"}, content_type="application/json", headers=headers)
    assert within.json()["url"] == "https://example.com/v2"


def test_the_same_address_twice_is_a_conflict(system):
    assert make(system).status_code == 201
    assert make(system).status_code == 409


def test_while_a_secret_is_being_changed_both_verify_and_a_day_later_only_the_new_one(system, endpoint, producer):
    old = endpoint.secret
    new = endpoints.rotate(endpoint, by=CONSOLE)
    announced(system)
    deliver_due()
    for secret in (old, new):
        Webhook(secret).verify(producer.received[0].body, producer.received[0].headers)
    Endpoint.objects.update(previous_until=timezone.now() - timedelta(seconds=1))
    announced(system, "msg-2")
    deliver_due()
    Webhook(new).verify(producer.received[1].body, producer.received[1].headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(producer.received[1].body, producer.received[1].headers)


def test_dead_messages_are_sent_again_by_hand_under_their_old_ids(system, endpoint, producer):
    first, second = announced(system), announced(system, "msg-2")
    producer.always = 500
    while deliver_due(schedule=NOW).attempts:
        pass
    producer.always = 204
    client, headers = by_key(system)
    again = f"{API}{endpoint.pk}/replay/"
    one = client.post(again, {"delivery": str(second.pk)}, content_type="application/json", headers=headers)
    assert one.json() == {"replayed": 1}
    assert client.post(again, content_type="application/json", headers=headers).json() == {"replayed": 1}
    assert client.post(again, content_type="application/json", headers=headers).status_code == 409
    producer.received.clear()
    assert deliver_due().taken == 2
    assert {request.id for request in producer.received} == {str(first.pk), str(second.pk)}
    chain = Entry.objects.filter(subject=first.pk).order_by("rev").values_list("type", flat=True)
    assert list(chain) == ["delivery_failed", "delivery_replayed", "delivered"]


def test_a_delivery_of_another_webhook_cannot_be_replayed_through_this_one(system, endpoint, producer):
    delivery = announced(system)
    with receiver() as other:
        second, _ = endpoints.create(system, url=other.url, events=["output.resolved"], by=CONSOLE)
    client, headers = by_key(system)
    body = {"delivery": str(delivery.pk)}
    answer = client.post(f"{API}{second.pk}/replay/", body, content_type="application/json", headers=headers)
    assert answer.status_code == 404


def test_a_system_file_makes_its_webhooks_once(system):
    declared = [{"url": "https://example.com/hook", "events": ["output.resolved", "incident.opened"]}]
    ((made, secret),) = endpoints.declare(system, declared, by=CONSOLE)
    assert secret is not None
    ((again, nothing),) = endpoints.declare(system, declared, by=CONSOLE)
    assert (again.pk, nothing) == (made.pk, None)
    declared[0]["events"] = ["output.resolved"]
    ((changed, nothing),) = endpoints.declare(system, declared, by=CONSOLE)
    assert (changed.events, nothing) == (["output.resolved"], None)
    assert Endpoint.objects.count() == 1


def test_what_was_taken_away_stays_away(system, endpoint):
    endpoints.remove(endpoint, by=CONSOLE)
    for verb in (endpoints.rotate, endpoints.test, endpoints.remove, endpoints.replay):
        with pytest.raises(Conflict):
            verb(endpoint, by=CONSOLE)


def signed_in(person) -> Client:
    return cast.signed_in(person)


def test_the_page_works_for_an_engineer_without_a_line_of_script(system, producer):
    browser = signed_in(cast.eng())
    made = browser.post("/webhooks/", {"system": "digits", "url": producer.url, "events": ["output.resolved"]})
    assert made.status_code == 201
    endpoint = Endpoint.objects.get()
    assert endpoint.secret in made.content.decode()
    delivery = announced(system)
    producer.always = 500
    while deliver_due(schedule=NOW).attempts:
        pass
    page = browser.get("/webhooks/").content.decode()
    assert endpoint.secret not in page
    assert "It answered 500." in page
    again = f"/webhooks/{endpoint.pk}/replay/{delivery.pk}/"
    assert f'action="{again}"' in page
    assert browser.post(again).status_code == 302
    producer.always = 204
    assert deliver_due().taken == 1
    assert browser.post(f"/webhooks/{endpoint.pk}/test/").status_code == 302
    deliver_due()
    assert json.loads(producer.received[-1].body)["type"] == "webhook.test"
    assert browser.get(f"/webhooks/{endpoint.pk}/rotate/").status_code == 200
    rotated = browser.post(f"/webhooks/{endpoint.pk}/rotate/").content.decode()
    assert Endpoint.objects.get().secret in rotated
    assert browser.post(f"/webhooks/{endpoint.pk}/switch/", {"to": "disabled"}).status_code == 302
    assert "Disabled by hand." in browser.get("/webhooks/").content.decode()
    assert browser.get(f"/webhooks/{endpoint.pk}/remove/").status_code == 200
    assert browser.post(f"/webhooks/{endpoint.pk}/remove/").status_code == 302
    assert Endpoint.objects.present().count() == 0


def test_every_address_of_the_page_answers_a_reload(system, endpoint):
    browser = signed_in(cast.eng())
    for path in ("test", "replay", "switch", "rotate", "remove"):
        assert browser.get(f"/webhooks/{endpoint.pk}/{path}/").status_code in (200, 302)
    endpoint.refresh_from_db()
    assert endpoint.disabled_at is None


def test_to_everybody_else_the_page_does_not_exist(system, endpoint):
    for person in (
        cast.alice(),
        cast.ruth(),
        cast.eve(),
        cast.person("zoe", "engineer", system=cast.system("letters")),
    ):
        browser = signed_in(person)
        for path in ("test", "replay", "switch", "rotate", "remove"):
            assert browser.post(f"/webhooks/{endpoint.pk}/{path}/").status_code == 404
    assert signed_in(cast.alice()).get("/webhooks/").status_code == 404
    assert Client().get("/webhooks/").status_code == 302


def test_what_an_engineer_wrote_is_shown_as_text(system):
    endpoints.create(system, url="https://example.com/%22%3E?<b>x</b>", events=["output.resolved"], by=CONSOLE)
    assert "<b>x</b>" not in signed_in(cast.eng()).get("/webhooks/").content.decode()


def test_the_page_costs_the_same_queries_for_one_webhook_and_for_many(system, endpoint):
    browser = signed_in(cast.eng())
    browser.get("/webhooks/")
    announced(system)
    with CaptureQueriesContext(connection) as one:
        browser.get("/webhooks/")
    for number in range(8):
        endpoints.create(system, url=f"https://example.com/{number}", events=["output.resolved"], by=CONSOLE)
        announced(system, f"more-{number}")
    with CaptureQueriesContext(connection) as many:
        browser.get("/webhooks/")
    assert len(many) == len(one)
