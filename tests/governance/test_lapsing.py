"""A signature holds for the text and the replay that were read: every way to change either makes it lapse."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

from governance.models import Approval, Entry, PolicyVersion, System
from governance.policies import amending, lifecycle
from governance.refusals import Conflict, Invalid, NotAllowed
from governance.tuning import replaying
from tests import cast
from tests.journeys.program import Program

pytestmark = pytest.mark.django_db
LATER = cast.policy(threshold={"default": 0.8})


@pytest.fixture
def system() -> System:
    return cast.system()


def approved(system: System, document: dict[str, Any] = LATER) -> PolicyVersion:
    """Dana's proposal, replayed, and signed by Erik."""
    version = lifecycle.propose(system, document, by=cast.acting(cast.dana(), system), because="Try.").version
    replaying.attach(version, by=cast.acting(cast.dana(), system))
    version = fresh(version)
    assert version.replay is not None
    lifecycle.approve(
        version, by=cast.acting(cast.erik(), system), digest=version.digest, replay=version.replay.digest
    )  # fmt: skip
    assert fresh(version).state == "approved"
    return fresh(version)


def fresh(version: PolicyVersion) -> PolicyVersion:
    return PolicyVersion.objects.told().get(pk=version.pk)


def by_replay(version: PolicyVersion) -> None:
    replaying.attach(version, by=cast.acting(cast.dana(), version.system))


def by_schedule(version: PolicyVersion) -> None:
    at = timezone.now() + timedelta(days=1)
    amending.schedule(version, at=at, by=cast.acting(cast.dana(), version.system))


def by_the_page(version: PolicyVersion) -> None:
    address = f"/systems/{version.system.slug}/proposals/{version.number}/"
    answer = cast.signed_in(cast.dana()).post(address, {"do": "schedule", "at": "2090-01-01T08:00"})
    assert answer.status_code == 302


def by_the_api(version: PolicyVersion) -> None:
    program = Program(version.system, "policies:write", person=cast.dana())
    path = f"systems/{version.system.slug}/policies/{version.number}/schedule/"
    assert program.post(path, {"at": "2090-01-01T08:00:00Z"}).status_code == 200


@pytest.mark.parametrize("change", [by_replay, by_schedule, by_the_page, by_the_api])
def test_a_change_of_the_terms_makes_signatures_lapse(system: System, change: Callable[[PolicyVersion], None]) -> None:
    version = approved(system)
    change(version)
    version = fresh(version)
    assert version.state == "proposed"
    assert not version.is_approved
    assert [sorted(seat) for seat in lifecycle.open_seats(version)] == [["approver"]]
    with pytest.raises(Conflict, match="still needs the signature"):
        lifecycle.activate(version, by=cast.acting(cast.erik(), system))
    assert version.approvals.count() == 1  # it stays on record, and is shown as lapsed
    page = cast.signed_in(cast.dana()).get(f"/systems/{system.slug}/proposals/{version.number}/").content.decode()
    assert "lapsed" in page
    assert version.replay is not None
    lifecycle.approve(
        version, by=cast.acting(cast.erik(), system), digest=version.digest, replay=version.replay.digest
    )  # fmt: skip
    assert fresh(version).state == "approved"


def revised_by_the_api(version: PolicyVersion) -> None:
    program = Program(version.system, "policies:write", person=cast.dana())
    other = cast.policy(threshold={"default": 0.79})
    path = f"systems/{version.system.slug}/policies/"
    answer = program.post(path, {"policy": other, "revises": version.number})
    assert answer.status_code == 201, answer.content


def revised_by_a_file(version: PolicyVersion, tmp_path: Path) -> None:
    system = version.system
    file = {
        "countersign": 1, "contract": cast.contract(), "policy": cast.policy(threshold={"default": 0.79}),
        "system": {"slug": system.slug, "name": system.name, "purpose": system.purpose, "owner": system.owner,
                   "risk_tier": system.risk_tier},
    }  # fmt: skip
    path = tmp_path / "digits.yaml"
    path.write_text(yaml.safe_dump(file))
    call_command("apply", str(path), email="dana@example.org", verbosity=0, stdout=open("/dev/null", "w"))  # noqa: SIM115


def rebased(version: PolicyVersion) -> None:
    cast.put_in_force(version.system, cast.policy(threshold={"default": 0.95}))
    with pytest.raises(Conflict, match="has changed since"):
        lifecycle.activate(fresh(version), by=cast.acting(cast.erik(), version.system))
    amending.rebase(version, by=cast.acting(cast.dana(), version.system))


@pytest.mark.parametrize("way", ["api", "file", "rebase"])
def test_another_text_or_base_is_another_proposal_that_nobody_has_signed(
    system: System, way: str, tmp_path: Path
) -> None:
    version = approved(system)
    {"api": revised_by_the_api, "file": lambda v: revised_by_a_file(v, tmp_path), "rebase": rebased}[way](version)
    newest = PolicyVersion.objects.told().order_by("-number")[0]
    assert newest.revises_id == version.pk
    assert (newest.state, newest.approvals.count(), newest.replay_id) == ("proposed", 0, None)
    assert fresh(version).state == "revised"
    for one in (version, newest):
        with pytest.raises(Conflict):
            lifecycle.activate(one, by=cast.acting(cast.erik(), system))


def test_only_who_proposed_a_text_puts_another_in_its_place(system: System) -> None:
    version = approved(system)
    with pytest.raises(NotAllowed):
        lifecycle.propose(
            system, cast.policy(threshold={"default": 0.7}), by=cast.acting(cast.person("olga", "owner"), system),
            revises=version,
        )  # fmt: skip
    assert fresh(version).state == "approved"


def test_who_has_not_read_the_replay_cannot_sign(system: System) -> None:
    version = lifecycle.propose(system, LATER, by=cast.acting(cast.dana(), system)).version
    erik = cast.acting(cast.erik(), system)
    replaying.attach(version, by=cast.acting(cast.dana(), system))
    for read in ("", "0" * 64):
        with pytest.raises(Conflict, match="replay you read"):
            lifecycle.approve(version, by=erik, digest=version.digest, replay=read)
    assert not Approval.objects.filter(version=version).exists()


def test_a_replay_of_another_text_cannot_be_attached(system: System) -> None:
    dana = cast.acting(cast.dana(), system)
    version = lifecycle.propose(system, LATER, by=dana).version
    other = replaying.run(system, cast.policy(threshold={"default": 0.1}), by=dana)
    with pytest.raises(Invalid, match="another text"):
        amending.attach_replay(version, other, by=dana)


def test_a_scheduled_version_begins_at_its_hour_and_is_refused_on_a_stale_base(system: System) -> None:
    version = approved(system)
    amending.schedule(
        version, at=timezone.now() + timedelta(seconds=1), by=cast.acting(cast.dana(), system)
    )  # fmt: skip
    version = fresh(version)
    assert version.replay is not None
    lifecycle.approve(
        version, by=cast.acting(cast.erik(), system), digest=version.digest, replay=version.replay.digest
    )  # fmt: skip
    assert amending.activate_due() == []
    with pytest.raises(Invalid, match="passed already"):
        amending.schedule(version, at=timezone.now(), by=cast.acting(cast.dana(), system))
    _come(version)
    assert [done.number for done in amending.activate_due()] == [version.number]
    assert Entry.objects.filter(subject=version.pk, type="activated").count() == 1


def test_a_schedule_whose_base_has_changed_is_taken_off_and_the_log_says_why(system: System) -> None:
    version = approved(system)
    amending.schedule(
        version, at=timezone.now() + timedelta(hours=1), by=cast.acting(cast.dana(), system)
    )  # fmt: skip
    version = fresh(version)
    assert version.replay is not None
    lifecycle.approve(
        version, by=cast.acting(cast.erik(), system), digest=version.digest, replay=version.replay.digest
    )  # fmt: skip
    cast.put_in_force(system, cast.policy(threshold={"default": 0.95}))
    _come(version)
    assert amending.activate_due() == []
    entry = Entry.objects.filter(subject=version.pk, type="schedule_refused").get()
    assert "has changed" in json.loads(bytes(entry.leaf))["detail"]["why"]
    assert fresh(version).activate_at is None


def _come(version: PolicyVersion) -> None:
    """The hour comes: the column and the signatures move together, as if they had been given for it."""
    with transaction.atomic():
        PolicyVersion.objects.filter(pk=version.pk).update(activate_at=timezone.now() - timedelta(seconds=1))
        newest = Approval.objects.filter(version=version).latest("id")
        Approval.objects.filter(pk=newest.pk).update(terms=fresh(version).terms)


def test_the_database_refuses_a_signature_of_the_proposer(system: System) -> None:
    version = lifecycle.propose(system, LATER, by=cast.acting(cast.dana(), system)).version
    dana, erik = cast.dana(), cast.erik()
    facts = {"version": version, "role": "approver", "verdict": "approve", "digest": version.digest,
             "terms": version.terms, "entry_id": version.entry_id}  # fmt: skip
    with pytest.raises(IntegrityError, match="proposer_never_approves"), transaction.atomic():
        Approval.objects.create(proposer=dana, approver=dana, **facts)
    with pytest.raises(IntegrityError, match="an_approval_names_the_proposer"), transaction.atomic():
        Approval.objects.create(proposer=erik, approver=dana, **facts)


def test_a_question_stands_beside_the_signatures_and_is_none(system: System) -> None:
    version = lifecycle.propose(system, LATER, by=cast.acting(cast.dana(), system)).version
    address = f"/systems/{system.slug}/proposals/{version.number}/"
    erik = cast.signed_in(cast.erik())
    assert erik.post(address, {"do": "ask", "text": "Why <b>now</b>?"}).status_code == 302
    page = cast.signed_in(cast.dana()).get(address).content.decode()
    assert "Why &lt;b&gt;now&lt;/b&gt;?" in page
    assert not fresh(version).approvals.exists()
    with pytest.raises(Invalid):
        amending.ask(version, by=cast.acting(cast.erik(), system), text=" ")
    with pytest.raises(NotAllowed):
        amending.ask(version, by=cast.acting(cast.alice(), system), text="Me too?")
