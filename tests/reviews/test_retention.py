"""Retention: a policy says how long contents are kept, the schedule erases them, and the story tells it."""

import json
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from governance.evidence import verification
from governance.models import Entry, Incident, Outcome, Output, OutputContent, Payload, System
from governance.monitoring import outcomes
from governance.people.actors import CONSOLE
from governance.policies import direction, sentences
from governance.policies.document import parse_policy
from governance.refusals import Invalid
from reviews import erasing, intake, tasks
from reviews.models import Precedent
from reviews.precedents.remembering import remember
from tests import cast
from tests.governance.evidence import archives, journey
from tests.governance.evidence.sealing import Sealer
from tests.reviews.intake.sent import body

KEPT = {"retention": {"content_days": 30}}


def aged(*names: str, days: int = 31) -> None:
    """These outputs as if they had arrived so many days ago: no state changes by this."""
    found = Output.objects.filter(external_id__in=names)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE governance_output SET received_at = received_at - make_interval(days => %s) WHERE id = ANY(%s)",
            [days, list(found.values_list("pk", flat=True))],
        )


@pytest.fixture
def system(db: None, settings: Any) -> System:
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    system = journey.run()
    cast.put_in_force(system, cast.policy(**KEPT))
    return system


def test_a_policy_says_for_how_many_days_and_reads_it_back() -> None:
    policy = parse_policy(cast.policy(**KEPT))
    assert policy.retention.content_days == 30
    assert sentences.policy_sentences(policy)[-1] == (
        "What the AI was given and said is erased 30 days after it arrived."
    )
    assert parse_policy(cast.policy()).retention.content_days is None
    assert not direction.tightens(parse_policy(cast.policy()), policy), "what erases more is signed like what loosens"


@pytest.mark.parametrize("wrong", [{"content_days": 0}, {"content_days": "P30D"}, {"days": 3}, {"content_days": 10**6}])
def test_a_retention_that_says_nothing_sensible_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        parse_policy(cast.policy(retention=wrong))


def test_the_schedule_erases_what_is_older_and_nothing_else(system: System, tmp_path: Any) -> None:
    assert tasks.keep_to_retention() == 0
    aged("msg-1", "msg-2", "msg-3")  # the last of them waits for a person
    one = Output.objects.get(external_id="msg-1")
    assert tasks.keep_to_retention() == 2
    assert tasks.keep_to_retention() == 0
    gone = OutputContent.objects.filter(salt_key=b"")
    assert gone.count() == 2
    assert Output.objects.filter(external_id="msg-3").exists()
    entry = json.loads(bytes(Entry.objects.get(type="erased", subject=one.pk).leaf))
    assert (entry["actor"]["id"], entry["detail"]["why"]) == ("retention", "retention")
    Sealer(tmp_path / "sealer").all()
    assert verification.verify()["findings"] == []


def test_without_a_retention_everything_is_kept(db: None, settings: Any) -> None:
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    journey.run()
    aged("msg-0", "msg-1", days=9_999)
    assert tasks.keep_to_retention() == 0


def test_only_so_many_at_a_time(system: System) -> None:
    aged("msg-1", "msg-2")
    assert erasing.keep_to_retention(limit=1) == 1
    assert erasing.keep_to_retention(limit=5) == 1
    assert erasing.keep_to_retention(limit=5) == 0


def test_nothing_that_anybody_wrote_about_it_is_left_anywhere(system: System, tmp_path: Any) -> None:
    """Every row of every table is looked at for what was planted, and for the name that its producer gave it."""
    outcomes.tell(system, by=CONSOLE, is_correct=False, source="planted-source", external_id="msg-2", corrected=4)
    remember()
    one = Output.objects.get(external_id="msg-2")
    assert Precedent.objects.filter(output_id=one.pk).exists()
    assert Incident.objects.filter(output=one).exists()
    sealer = Sealer(tmp_path / "sealer")
    sealer.all()
    erasing.erase_output(one.pk, by=CONSOLE, because="She asked.")
    about = {str(each) for each in Incident.objects.filter(output=one).values_list("pk", flat=True)} | {str(one.pk)}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            for (row,) in cursor.fetchall():
                assert not re.search(r"\bmsg-2\b", row), table
                if any(id in row for id in about):
                    assert "planted" not in row, (table, row)
    assert not Payload.objects.filter(content=b"planted-source").exists()
    assert (Outcome.objects.get(output=one).source, Precedent.objects.filter(output_id=one.pk).exists()) == ("", False)
    sealer.all()
    report = archives.checked(archives.made(), tmp_path, sealer.keys)
    assert report["findings"] == []
    assert verification.verify()["findings"] == []


def test_an_incident_keeps_its_steps_and_says_why_it_has_no_words(system: System) -> None:
    incident = Incident.objects.get()
    assert incident.output is not None
    erasing.erase_output(incident.output.pk, by=CONSOLE, because="She asked.")
    incident.refresh_from_db()
    assert (incident.title, incident.containment, incident.cause) == (erasing._GONE, erasing._GONE, "")
    assert incident.contained_at is not None
    page = cast.signed_in(cast.ruth()).get(f"/incidents/{incident.pk}/")
    assert (page.status_code, b"planted" in page.content) == (200, False)


def test_the_story_says_what_was_erased_and_when(system: System) -> None:
    aged("msg-1")
    one = Output.objects.get(external_id="msg-1")
    tasks.keep_to_retention()
    page = cast.signed_in(cast.ruth()).get(f"/outputs/{one.pk}/").content.decode()
    assert "It was kept as long as the policy says; now what the AI was given, what it said" in page
    producer = cast.bearer(cast.key_for(system))
    told = Client().get(f"/api/v1/outputs/{one.pk}/trace/", headers=producer).json()
    (step,) = [step for step in told["steps"] if step["kind"] == "erased"]
    assert step["at"]
    assert step["says"].endswith("erased.")
    assert "because" not in step["facts"]


def test_the_same_external_id_is_a_new_output_afterwards(system: System) -> None:
    journey_output = Output.objects.get(external_id="msg-1")
    erasing.erase_output(journey_output.pk, by=CONSOLE, because="She asked.")
    sent = body("msg-1", system=system.slug, output={"digit": 4, "why": "planted-answer"})
    (taken,) = intake.accept([sent], system=system, actor=CONSOLE)
    assert isinstance(taken, intake.Taken)
    assert taken.is_new
    assert Output.objects.get(external_id="msg-1").pk != journey_output.pk
    assert Output.objects.filter(external_id=f"erased-{journey_output.pk}").exists()
