"""What happens to a policy, a system, a tier or an incident reaches those whom it concerns, and only them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.db import transaction
from django.db.models.functions import Now
from django.urls import resolve
from django.utils import timezone

from governance.models import Entry, Letter, Notice, PolicyVersion, System
from governance.monitoring import guards, incidents
from governance.notices import mails, telling
from governance.notices.kinds import EVENTS, KINDS
from governance.notices.sending import send_due
from governance.people import accounts
from governance.people.actors import CONSOLE
from governance.policies import amending, halting, lifecycle, registration, steps, tiers, trials
from governance.policies.systemfile import EVENTS as IN_FILES
from reviews.models import Endpoint
from tests import cast

pytestmark = pytest.mark.django_db
LOOSER = cast.policy(threshold={"default": 0.8})


@pytest.fixture
def system() -> System:
    """In force for a day, with its people; what was told while it was made has gone out."""
    made = cast.system()
    for arrives in (cast.alice, cast.carol, cast.ruth, cast.eng, cast.eve):
        arrives()
    cast.person("olga", "owner")
    send_due()
    mail.outbox.clear()
    return made


def told() -> dict[str, list[str]]:
    """Sends all that waits; the subjects, each with the names of whom it reached."""
    send_due(seconds=600)
    found: dict[str, list[str]] = {}
    for one in mail.outbox:
        found.setdefault(str(one.subject), []).append(one.to[0].partition("@")[0])
    mail.outbox.clear()
    return {subject: sorted(names) for subject, names in found.items()}


def proposed(system: System) -> PolicyVersion:
    return lifecycle.propose(system, LOOSER, by=cast.acting(cast.dana()), because="Fewer reviews.").version


def signed(system: System) -> PolicyVersion:
    version = proposed(system)
    lifecycle.approve(version, by=cast.acting(cast.erik()), digest=version.digest)
    told()
    return PolicyVersion.objects.told().get(pk=version.pk)


def test_a_proposal_reaches_those_who_may_sign_it_and_never_its_proposer(system: System) -> None:
    proposed(system)
    assert told() == {"Digits: Policy 2, which loosens, waits for a signature": ["erik"]}


def test_a_tightening_reaches_owners_too(system: System) -> None:
    text = cast.policy(threshold={"default": 0.95})
    lifecycle.propose(system, text, by=cast.acting(cast.dana()), because="Safer.")
    assert told() == {"Digits: Policy 2, which tightens, waits for a signature": ["erik", "olga"]}


def test_the_approver_of_another_system_hears_nothing(system: System) -> None:
    cast.person("faye", "approver", system=cast.system("letters"))
    told()
    proposed(system)
    assert told() == {"Digits: Policy 2, which loosens, waits for a signature": ["erik"]}


def test_a_signature_a_refusal_and_a_question_reach_the_proposer(system: System) -> None:
    version = proposed(system)
    told()
    amending.ask(version, by=cast.acting(cast.carol()), text="Why now?")
    assert told() == {"Digits: A remark on policy 2": ["dana"]}
    amending.ask(version, by=cast.acting(cast.dana()), text="Because.")
    assert told() == {"Digits: A remark on policy 2": ["carol"]}
    lifecycle.decline(version, by=cast.acting(cast.erik()), digest=version.digest, comment="Too early.")
    assert told() == {"Digits: Policy 2 is declined": ["dana"]}


def test_terms_that_change_under_a_signature_are_told_to_the_signers_again(system: System) -> None:
    version = signed(system)
    amending.schedule(version, at=timezone.now() + timedelta(days=1), by=cast.acting(cast.dana()))
    assert told() == {"Digits: Policy 2, which loosens, waits for a signature": ["erik"]}


def test_activation_reaches_the_owners_and_not_whoever_did_it(system: System) -> None:
    lifecycle.activate(signed(system), by=cast.acting(cast.dana()))
    assert told() == {"Digits: Policy 2 is in force": ["olga"]}


def test_a_schedule_that_refuses_reaches_proposer_owners_and_signers_with_the_reason(system: System) -> None:
    version = signed(system)
    cast.put_in_force(system, cast.policy(threshold={"default": 0.85}))
    told()
    PolicyVersion.objects.filter(pk=version.pk).update(activate_at=Now())
    assert amending.activate_due() == []
    send_due()
    assert sorted(one.to[0] for one in mail.outbox) == ["dana@example.org", "erik@example.org", "olga@example.org"]
    assert "has changed since this was proposed" in str(mail.outbox[0].body)
    assert Notice.objects.get(kind="policy.refused").facts["version"] == 2


def test_a_policy_taken_back_is_told_whether_a_guard_or_a_person_did_it(system: System) -> None:
    lifecycle.activate(signed(system), by=cast.acting(cast.dana()))
    told()
    lifecycle.restore(system, by=cast.acting(cast.carol()))
    assert told() == {"Digits: Policy 1 is in force again instead of 2": ["dana", "erik", "olga"]}
    lifecycle.activate(signed(cast.system("letters")), by=cast.acting(cast.dana()))
    told()
    lifecycle.restore(System.objects.get(slug="letters"), by=steps.GUARD)
    assert told() == {"Letters: Policy 1 is in force again instead of 2, by a guard": ["carol", "dana", "erik", "olga"]}


def test_so_is_a_trial_that_ends(system: System) -> None:
    version = trials.shadow(signed(system), by=cast.acting(cast.erik()))
    told()
    trials.stop(version, by=cast.acting(cast.erik()))
    assert told() == {"Digits: The trial of policy 2 is ended": ["carol", "dana", "olga"]}


def test_a_halt_and_its_end_reach_who_answers_for_the_system_and_who_runs_what_stands_still(system: System) -> None:
    halting.halt(system, by=cast.acting(cast.carol()), because="Strange answers.")
    assert told() == {"Digits: Halted: nothing goes out alone": ["dana", "eng", "erik", "olga"]}
    halting.lift(system, by=cast.acting(cast.erik()))
    assert told() == {"Digits: The halt is lifted": ["carol", "dana", "eng", "olga"]}


def test_an_incident_reaches_owners_and_leads_without_its_title(system: System) -> None:
    opened = incidents.by_person(system, by=cast.acting(cast.dana()), title="SECRET said the model")
    send_due()
    assert sorted(one.to[0] for one in mail.outbox) == ["carol@example.org", "olga@example.org"]
    assert "SECRET" not in mail.outbox[0].message().as_string()
    assert f"https://countersign.example/incidents/{opened.pk}/" in str(mail.outbox[0].body)
    assert guards.check() == []


def test_a_lower_tier_that_waits_reaches_its_signers_and_its_end_reaches_who_asked() -> None:
    system = cast.system("papers", risk_tier="high")
    cast.person("olga", "owner")
    told()

    def describe(tier: str) -> registration.Registered:
        return registration.register_system(
            slug=system.slug, name=system.name, purpose="", risk_tier=tier, owner="forms", by=cast.acting(cast.dana())
        )  # fmt: skip

    asked = describe("limited").asked
    assert asked is not None
    assert told() == {"Papers: A lower risk tier, limited instead of high, waits for a signature": ["erik", "olga"]}
    tiers.decline(asked, by=cast.acting(cast.erik()))
    assert told() == {"Papers: The lower risk tier limited is declined": ["dana"]}


def test_a_change_that_is_rolled_back_tells_nobody(system: System) -> None:
    before = Entry.objects.count()
    with transaction.atomic():
        halting.halt(system, by=cast.acting(cast.carol()), because="Strange answers.")
        transaction.set_rollback(True)
    assert told() == {}
    assert Entry.objects.count() == before
    assert not Notice.objects.filter(kind="system.halted").exists()


def test_who_wants_no_mail_of_a_kind_gets_none_and_the_rest(system: System) -> None:
    accounts.choose_mails(cast.erik(), unwanted=["policy.proposed"], by=cast.acting(cast.erik()))
    proposed(system)
    assert told() == {}
    halting.halt(system, by=cast.acting(cast.carol()), because="Strange.")
    assert "erik" in told()["Digits: Halted: nothing goes out alone"]


def test_simulated_people_and_those_without_an_address_get_none(system: System) -> None:
    accounts.create("team@localhost", name="Team", by=CONSOLE, roles=[("approver", None)])
    accounts.create("sim@example.org", name="Sim", by=CONSOLE, roles=[("approver", None)], is_simulated=True)
    proposed(system)
    assert told() == {"Digits: Policy 2, which loosens, waits for a signature": ["erik"]}


def test_without_a_mail_server_nothing_waits_to_be_sent_and_the_notice_is_kept_for_webhooks(system, settings) -> None:
    settings.SENDS_MAIL = False
    proposed(system)
    assert not Letter.objects.waiting().exists()
    assert Notice.objects.filter(kind="policy.proposed").count() == 2  # the cast's own policy was proposed too


def test_who_lost_her_role_meanwhile_is_not_told(system: System) -> None:
    proposed(system)
    accounts.revoke_role(cast.erik().roles.get(), by=CONSOLE)
    assert told() == {}
    assert Letter.objects.filter(withdrawn_at__isnull=False, next_attempt_at=None).count() == 1


def test_notices_leave_the_evidence_as_it_was(system: System) -> None:
    proposed(system)
    before = Entry.objects.count()
    told()
    assert Entry.objects.count() == before
    entry = Entry.objects.get(pk=Notice.objects.latest("pk").entry_id)
    assert entry.type == "proposed"


def test_every_link_of_a_letter_leads_to_a_page(system: System) -> None:
    for kind in KINDS:
        notice = Notice(system=system, kind=kind, subject=system.pk, facts={"version": 2})
        assert resolve(mails.link(notice).removeprefix("https://countersign.example"))


def test_files_and_endpoints_know_the_same_events_as_notices() -> None:
    assert tuple(Endpoint.EVENTS) == IN_FILES
    assert set(EVENTS) < set(Endpoint.EVENTS)


def test_a_kind_that_nobody_described_is_an_error(system: System) -> None:
    with pytest.raises(ValueError, match=r"policy\.lost"):
        telling.tell("policy.lost", system, entry=system.entry_id, by=CONSOLE, subject=system.pk)
