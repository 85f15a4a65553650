"""From a producer's output over a person's decision back to the producer."""

import pytest
from django.test import Client

from governance.models import Output
from reviews.routing.waiting import route_waiting
from tests import cast
from tests.reviews.intake.sent import raw

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.mark.parametrize(
    ("answer", "status", "output"),
    [
        ({"verdict": "approve"}, "approved", {"digit": 7}),
        ({"verdict": "override", "output": {"digit": 1}, "reasons": ["wrong-label"]}, "overridden", {"digit": 1}),
        ({"verdict": "reject", "reasons": ["unreadable"]}, "rejected", None),
    ],
)
def test_what_a_person_decides_is_what_the_producer_may_act_on(answer: dict, status: str, output: object) -> None:
    review = {**cast.POLICY["review"], "undo_seconds": 0}
    system = cast.system(audit={"rate": 0}, review=review)
    producer = cast.bearer(cast.key_for(system))
    reviewer = cast.bearer(cast.key_for(system, ["reviews:write"], cast.alice()))
    client = Client()
    sent = client.post("/api/v1/outputs/", raw(confidence=0.5), content_type=JSON, headers=producer).json()
    route_waiting()
    claimed = client.post("/api/v1/reviews/next/", {}, content_type=JSON, headers=reviewer).json()
    assert claimed["item"]["id"] == sent["review"]["id"]
    decided = client.post(
        f"/api/v1/reviews/{claimed['item']['id']}/decide/", answer | {"claim_token": claimed["claim"]["token"]},
        content_type=JSON, headers=reviewer,
    )  # fmt: skip
    assert decided.status_code == 200, decided.json()
    told = client.get(sent["links"]["self"], headers=producer).json()
    assert (told["status"], told["resolution"]["by"], told["resolution"]["output"]) == (status, "person", output)
    assert told["resolution"]["decision"] == str(Output.objects.get().decision)
    assert told["review"]["queue"] == sent["review"]["queue"]
    assert told["review"]["due_at"] == sent["review"]["due_at"], "what was promised at the door is what routing did"
    again = client.post("/api/v1/outputs/", raw(confidence=0.5), content_type=JSON, headers=producer)
    assert (again.status_code, again.json()["status"], again.json()["verdict"]) == (200, status, sent["verdict"])
