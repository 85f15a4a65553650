"""Change control: nothing comes into force without the people that the rules ask for."""

import json

import pytest
from django.db import IntegrityError, connection, transaction

from governance.evidence import leaf
from governance.models import Approval, Entry, PolicyVersion, System
from governance.people.actors import CONSOLE, Actor, key
from governance.policies import lifecycle, registry
from governance.refusals import Conflict, Invalid, NotAllowed, NotFound
from tests import cast

pytestmark = pytest.mark.django_db

LOOSER, STRICTER = {"default": 0.8}, {"default": 0.95}


def proposed(system: System, **blocks: object) -> PolicyVersion:
    return lifecycle.propose(system, cast.policy(**blocks), by=cast.acting(cast.dana()), because="To test.").version


def sign(version: PolicyVersion, who: Actor, **changed: str) -> Approval:
    return lifecycle.approve(version, by=who, digest=changed.get("digest", version.digest))


def leaves(subject: object) -> list[dict]:
    return [json.loads(bytes(entry.leaf)) for entry in Entry.objects.filter(subject=subject).order_by("rev")]


def hashes(subject: object) -> list[str]:
    return [bytes(entry.leaf_hash).hex() for entry in Entry.objects.filter(subject=subject).order_by("rev")]


def test_a_system_has_no_policy_in_force_until_one_is_activated() -> None:
    system, _ = cast.bare_system()
    version = proposed(system)
    assert registry.in_force("digits") is None
    sign(version, cast.acting(cast.erik()))
    assert registry.in_force("digits") is None
    lifecycle.activate(version, by=cast.acting(cast.erik()))
    found = registry.in_force("digits")
    assert found
    assert (found.number, found.is_unapproved, found.policy.threshold.default) == (1, False, 900_000)


def test_the_pointer_costs_one_query_once_the_policy_is_compiled(django_assert_num_queries) -> None:
    system = cast.system()
    registry.in_force(system.pk)
    with django_assert_num_queries(1):
        found = registry.in_force("digits")
    assert found
    assert found.system_id == system.pk


def test_what_is_in_force_is_what_was_proposed_digest_for_digest() -> None:
    system = cast.system(threshold={"default": 0.87})
    found = registry.in_force(system.pk)
    assert found
    assert found.digest == found.policy.digest
    assert found.policy.document == cast.policy(threshold={"default": 0.87})


def test_the_proposer_never_approves_even_as_an_approver() -> None:
    cast.person("dana", "approver")
    system, _ = cast.bare_system()
    version = proposed(system)
    with pytest.raises(NotAllowed, match="You proposed"):
        sign(version, cast.acting(cast.dana()))


def test_the_database_itself_refuses_the_proposers_signature_and_a_false_proposer() -> None:
    system, _ = cast.bare_system()
    version, dana, erik = proposed(system), cast.dana(), cast.erik()
    row = {
        "version": version,
        "role": "approver",
        "verdict": "approve",
        "digest": version.digest,
        "entry_id": version.entry_id,
    }
    with pytest.raises(IntegrityError, match="proposer_never_approves"), transaction.atomic():
        Approval.objects.create(proposer=dana, approver=dana, **row)
    with pytest.raises(IntegrityError, match="an_approval_names_the_proposer"), transaction.atomic():
        Approval.objects.create(proposer=erik, approver=dana, **row)


def test_an_approval_is_bound_to_the_digest_that_was_read() -> None:
    system, _ = cast.bare_system()
    version = proposed(system)
    with pytest.raises(Conflict, match="read it again"):
        sign(version, cast.acting(cast.erik()), digest="0" * 64)
    assert not version.approvals.exists()


def test_a_first_policy_loosens_and_an_owner_alone_cannot_sign_it() -> None:
    system, _ = cast.bare_system()
    version = proposed(system)
    assert version.loosens
    with pytest.raises(NotAllowed, match="an approver"):
        sign(version, cast.acting(cast.person("olga", "owner")))


def test_a_tightening_change_may_be_signed_by_an_owner() -> None:
    version = proposed(cast.system(), threshold=STRICTER)
    assert not version.loosens
    sign(version, cast.acting(cast.person("olga", "owner")))
    version.refresh_from_db()
    assert version.state == "approved"
    assert version.is_approved


def test_loosening_a_high_risk_system_needs_an_approver_and_an_owner_who_are_two_people() -> None:
    system, _ = cast.bare_system(risk_tier="high")
    version = proposed(system)
    cast.person("bo", "approver")
    both = cast.person("bo", "owner")
    sign(version, cast.acting(both))
    with pytest.raises(Conflict, match="already"):
        sign(version, cast.acting(both))
    with pytest.raises(Conflict, match="still needs the signature of an owner"):
        lifecycle.activate(version, by=cast.acting(both))
    with pytest.raises(NotAllowed, match="an owner"):
        sign(version, cast.acting(cast.erik()))
    sign(version, cast.acting(cast.person("olga", "owner")))
    assert lifecycle.activate(version, by=cast.acting(both)).state == "in_force"


def test_a_tier_that_rises_after_the_signature_asks_for_the_second_one() -> None:
    system, _ = cast.bare_system()
    version = proposed(system)
    sign(version, cast.acting(cast.erik()))
    cast.bare_system(risk_tier="high")
    with pytest.raises(Conflict, match="an owner"):
        lifecycle.activate(version, by=cast.acting(cast.erik()))


@pytest.mark.parametrize("who", ["alice", "carol", "ruth", "eng", "admin"])
def test_other_roles_neither_propose_nor_sign_nor_activate(who: str) -> None:
    system, _ = cast.bare_system()
    version, actor = proposed(system), cast.acting(getattr(cast, who)())
    with pytest.raises(NotAllowed):
        lifecycle.propose(system, cast.policy(threshold=LOOSER), by=actor)
    with pytest.raises(NotAllowed):
        sign(version, actor)
    with pytest.raises(NotAllowed):
        lifecycle.activate(version, by=actor)


def test_somebody_without_a_role_does_not_learn_that_the_system_exists() -> None:
    system, _ = cast.bare_system()
    with pytest.raises(NotFound):
        lifecycle.propose(system, cast.policy(), by=cast.acting(cast.eve()))


def test_a_machine_proposes_nothing() -> None:
    system, _ = cast.bare_system()
    with pytest.raises(NotAllowed, match="Only a person"):
        lifecycle.propose(system, cast.policy(), by=CONSOLE)


def test_the_same_text_again_is_no_second_proposal_and_writes_nothing() -> None:
    system = cast.system()
    entries = Entry.objects.count()
    assert lifecycle.propose(system, cast.policy(), by=cast.acting(cast.dana())).is_new is False
    first = lifecycle.propose(system, cast.policy(threshold=LOOSER), by=cast.acting(cast.dana()))
    assert Entry.objects.count() == entries + 1
    again = lifecycle.propose(system, cast.policy(threshold=LOOSER), by=cast.acting(cast.dana()))
    assert (again.version, again.is_new, Entry.objects.count()) == (first.version, False, entries + 1)


def test_a_proposal_lapses_when_the_policy_in_force_changes_under_it() -> None:
    system = cast.system()
    tighter = proposed(system, threshold=STRICTER)
    sign(tighter, cast.acting(cast.erik()))
    cast.put_in_force(system, cast.policy(threshold={"default": 0.99}))
    with pytest.raises(Conflict, match="has changed since"):
        lifecycle.activate(tighter, by=cast.acting(cast.erik()))
    again = proposed(system, threshold=STRICTER)
    assert again.pk != tighter.pk
    assert again.loosens


def test_a_declined_policy_is_never_put_in_force() -> None:
    version = proposed(cast.system(), threshold=STRICTER)
    lifecycle.decline(version, by=cast.acting(cast.erik()), digest=version.digest, comment="No.")
    with pytest.raises(Conflict):
        lifecycle.activate(version, by=cast.acting(cast.erik()))
    with pytest.raises(Conflict, match="declined"):
        sign(version, cast.acting(cast.person("olga", "owner")))


def test_one_policy_is_in_force_and_the_one_before_is_retired() -> None:
    system = cast.system()
    cast.put_in_force(system, cast.policy(threshold=LOOSER))
    states = dict(PolicyVersion.objects.of(system).values_list("number", "state"))
    assert states == {1: "retired", 2: "in_force"}
    first = PolicyVersion.objects.get(system=system, number=1)
    with pytest.raises(IntegrityError, match="one_policy_in_force"), transaction.atomic():
        PolicyVersion.objects.filter(pk=first.pk).update(state="in_force", entry=Entry.objects.first())


def test_a_state_never_changes_without_evidence() -> None:
    version = proposed(cast.system(), threshold=LOOSER)
    for change in ({"state": "approved"}, {"is_approved": True}):
        with pytest.raises(IntegrityError, match="No state without evidence"), transaction.atomic():
            PolicyVersion.objects.filter(pk=version.pk).update(**change)


def test_a_bootstrapped_policy_is_in_force_unapproved_until_somebody_else_signs_it() -> None:
    system, _ = cast.bare_system()
    version = proposed(system)
    with pytest.raises(Invalid, match="why"):
        lifecycle.bootstrap(version, by=cast.acting(cast.dana()), because=" ")
    lifecycle.bootstrap(version, by=cast.acting(cast.dana()), because="The first day.")
    found = registry.in_force("digits")
    assert found
    assert found.is_unapproved
    with pytest.raises(NotAllowed, match="You proposed"):
        sign(version, cast.acting(cast.dana()))
    sign(version, cast.acting(cast.erik()))
    found = registry.in_force("digits")
    assert found
    assert not found.is_unapproved


def test_a_system_is_bootstrapped_once_only() -> None:
    system = cast.system()
    version = proposed(system, threshold=LOOSER)
    with pytest.raises(Conflict, match="has had a policy in force"):
        lifecycle.bootstrap(version, by=cast.acting(cast.dana()), because="Quickly.")


def test_the_lead_puts_the_last_approved_policy_back_without_an_approval() -> None:
    system = cast.system()
    cast.put_in_force(system, cast.policy(threshold=LOOSER))
    lead = cast.acting(cast.carol())
    entries = Entry.objects.count()
    assert lifecycle.restore(system, by=lead, because="Too loose.").number == 1
    found = registry.in_force("digits")
    assert found
    assert (found.number, found.is_unapproved) == (1, False)
    assert Entry.objects.count() == entries + 2
    with pytest.raises(Conflict, match="no earlier"):
        lifecycle.restore(system, by=lead)


def test_an_unapproved_policy_is_never_what_one_goes_back_to() -> None:
    system, _ = cast.bare_system()
    lifecycle.bootstrap(proposed(system), by=cast.acting(cast.dana()), because="The first day.")
    cast.put_in_force(system, cast.policy(threshold=STRICTER))
    with pytest.raises(Conflict, match="no earlier approved"):
        lifecycle.restore(system, by=cast.acting(cast.carol()))


def test_keys_neither_sign_nor_activate_unless_the_policy_in_force_says_so() -> None:
    system = cast.system()
    version = proposed(system, threshold=STRICTER)
    row, _ = cast.keys.create("ci", system=system, scopes=["policies:write"], by=CONSOLE, person=cast.erik())
    with pytest.raises(NotAllowed, match="from a key"):
        sign(version, key(row))
    cast.put_in_force(system, cast.policy(approval_by_key=True))
    version = proposed(system, threshold=STRICTER, approval_by_key=True)
    sign(version, key(row))
    assert lifecycle.activate(version, by=key(row)).state == "in_force"


def test_a_new_contract_makes_the_same_text_another_policy_that_loosens() -> None:
    system = cast.system()
    contract = lifecycle.register_contract(system, cast.contract(version="1.1.0"), by=cast.acting(cast.dana())).contract
    version, is_new = lifecycle.propose(system, cast.policy(), by=cast.acting(cast.dana()), contract=contract)
    assert is_new
    assert version.loosens
    assert version.contract == contract


def test_a_contract_version_never_changes_its_content() -> None:
    system, _ = cast.bare_system()
    with pytest.raises(Conflict, match="new version"):
        lifecycle.register_contract(system, cast.contract(personal_data=[]), by=cast.acting(cast.dana()))


def test_a_policy_that_its_contract_or_tier_excludes_is_refused_with_the_place() -> None:
    system, _ = cast.bare_system(risk_tier="high")
    ladder = {"due_in": "PT1H", "on_breach": [{"after": "PT0H", "do": "resolve", "as": "release"}]}
    with pytest.raises(Invalid) as refused:
        proposed(system, sla=ladder)
    assert any("sla.on_breach" in error.pointer for error in refused.value.errors)


def test_a_tier_the_policy_in_force_would_not_be_valid_on_is_refused() -> None:
    ladder = {"due_in": "PT1H", "on_breach": [{"after": "PT0H", "do": "resolve", "as": "release"}]}
    cast.system(sla=ladder)
    with pytest.raises(Invalid):
        cast.bare_system(risk_tier="high")
    assert System.objects.get(slug="digits").risk_tier == "limited"


def test_a_change_of_tier_is_evidence() -> None:
    system = cast.system()
    cast.bare_system(risk_tier="high")
    last = leaves(system.pk)[-1]
    assert last["type"] == "system_changed"
    assert last["detail"]["risk_tier"] == {"from": "limited", "to": "high"}


def test_the_log_tells_who_did_each_step_and_what_caused_it() -> None:
    system = cast.system()
    version = PolicyVersion.objects.get(system=system, number=1)
    cast.put_in_force(system, cast.policy(threshold=LOOSER))
    told, hash = leaves(version.pk), hashes(version.pk)
    assert [entry["type"] for entry in told] == ["proposed", "approved", "activated", "retired"]
    assert told[1]["causes"] == [hash[0]]
    assert told[2]["causes"] == [hash[1]]
    assert told[1]["actor"]["id"] == str(cast.erik().pk) != told[0]["actor"]["id"]
    assert all(entry["policy"]["digest"] == version.digest for entry in told)
    assert [entry["subject"]["prev"] for entry in told] == [None, *hash[:3]]
    later = PolicyVersion.objects.get(system=system, number=2)
    assert leaves(later.pk)[0]["causes"] == [hash[2]]
    assert told[3]["causes"] == [hashes(later.pk)[2]]
    assert hash == [leaf.leaf_hash(leaf.leaf_bytes(entry)).hex() for entry in told]


def test_reasons_and_comments_stay_out_of_the_log_which_only_commits_to_them() -> None:
    system, _ = cast.bare_system()
    version = lifecycle.propose(
        system, cast.policy(), by=cast.acting(cast.dana()), because="Because of Mrs Smith."
    ).version
    entry = Entry.objects.get(subject=version.pk)
    assert b"Smith" not in bytes(entry.leaf)
    assert bytes(entry.payloads.get().content) == b"Because of Mrs Smith."


def test_every_reference_between_rows_and_evidence_holds() -> None:
    cast.system(risk_tier="high")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
