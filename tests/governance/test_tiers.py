"""A lower risk tier is a loosening: whoever asks for it never decides it alone."""

from __future__ import annotations

import json

import pytest
from django.db import IntegrityError, transaction

from governance.models import Entry, System, TierChange, TierSignature
from governance.people.actors import Actor
from governance.policies import registration, tiers
from governance.refusals import Conflict, NotAllowed
from tests import cast

pytestmark = pytest.mark.django_db


def describe(system: System, tier: str, by: Actor | None = None) -> registration.Registered:
    return registration.register_system(
        slug=system.slug, name=system.name, purpose=system.purpose, risk_tier=tier, owner=system.owner,
        by=by or cast.acting(cast.dana()),
    )  # fmt: skip


def tier(system: System) -> str:
    return System.objects.get(pk=system.pk).risk_tier


def test_an_owner_alone_lowers_nothing() -> None:
    system = cast.system(risk_tier="high")
    told = describe(system, "limited")
    assert (told.changed, tier(system)) == ((), "high")
    assert told.asked is not None
    with pytest.raises(NotAllowed, match="somebody else"):
        tiers.sign(told.asked, by=cast.acting(cast.dana()))
    assert describe(system, "limited").asked == told.asked
    with pytest.raises(Conflict):
        describe(system, "minimal")


def test_on_a_high_tier_an_approver_and_another_owner_sign() -> None:
    system = cast.system(risk_tier="high")
    asked = describe(system, "limited").asked
    assert asked is not None
    assert tiers.sign(asked, by=cast.acting(cast.erik())).state == "waiting"
    with pytest.raises(Conflict):
        tiers.sign(asked, by=cast.acting(cast.erik()))
    with pytest.raises(NotAllowed):
        tiers.sign(asked, by=cast.acting(cast.person("frank", "approver")))
    assert tier(system) == "high"
    assert tiers.sign(asked, by=cast.acting(cast.person("olga", "owner"))).state == "done"
    assert tier(system) == "limited"
    changed = Entry.objects.filter(type="system_changed", system=system.pk).get()
    assert changed.pk == System.objects.get(pk=system.pk).entry_id


def test_below_that_one_approver_signs_and_owners_do_not() -> None:
    system = cast.system(risk_tier="limited")
    asked = describe(system, "minimal").asked
    assert asked is not None
    with pytest.raises(NotAllowed):
        tiers.sign(asked, by=cast.acting(cast.person("olga", "owner")))
    tiers.sign(asked, by=cast.acting(cast.erik()))
    assert tier(system) == "minimal"


def test_raising_needs_nobody_and_so_does_a_system_without_a_policy() -> None:
    system = cast.system(risk_tier="minimal")
    assert describe(system, "high").changed == ("risk_tier",)
    bare, _ = cast.bare_system("bare", risk_tier="high")
    assert describe(bare, "minimal").changed == ("risk_tier",)


def test_a_declined_one_is_over_and_can_be_asked_for_again() -> None:
    system = cast.system(risk_tier="limited")
    asked = describe(system, "minimal").asked
    assert asked is not None
    assert tiers.decline(asked, by=cast.acting(cast.erik())).state == "declined"
    with pytest.raises(Conflict):
        tiers.sign(asked, by=cast.acting(cast.erik()))
    assert describe(system, "minimal").asked != asked


def test_the_database_refuses_the_signature_of_whoever_asked() -> None:
    system = cast.system(risk_tier="limited")
    asked = describe(system, "minimal").asked
    assert asked is not None
    entry = asked.entry_id
    for proposer in (cast.dana(), cast.erik()):  # her own, and under another's name
        with pytest.raises(IntegrityError), transaction.atomic():
            TierSignature.objects.create(
                change=asked, proposer=proposer, approver=cast.dana(), role="approver", entry_id=entry
            )


def test_an_approver_signs_it_on_its_page() -> None:
    system = cast.system(risk_tier="limited")
    describe(system, "minimal")
    erik, dana = cast.signed_in(cast.erik()), cast.signed_in(cast.dana())
    assert "A lower risk tier" in erik.get("/").content.decode()
    assert "waits for its signatures" in dana.get(f"/systems/{system.slug}/").content.decode()
    url = f"/systems/{system.slug}/tier/"
    assert "asks to lower the risk tier" in dana.get(url).content.decode()
    assert dana.post(url, {"do": "sign"}).status_code == 403
    assert erik.post(url, {"do": "sign"}, follow=True).status_code == 200
    assert TierChange.objects.get().state == "done"
    assert erik.post(url, {"do": "sign"}).status_code == 409


def test_raising_the_tier_ends_a_lower_one_that_waits() -> None:
    system = cast.system(risk_tier="limited")
    asked = describe(system, "minimal").asked
    assert asked is not None
    assert describe(system, "high").changed == ("risk_tier",)
    asked.refresh_from_db()
    assert asked.state == "lapsed"
    entry = Entry.objects.get(pk=asked.entry_id)
    raised = Entry.objects.filter(type="system_changed", system=system.pk).latest("id")
    assert (entry.type, json.loads(bytes(entry.leaf))["causes"]) == ("tier_lapsed", [bytes(raised.leaf_hash).hex()])
    with pytest.raises(Conflict):
        tiers.sign(asked, by=cast.acting(cast.erik()))
    with pytest.raises(Conflict):
        tiers.decline(asked, by=cast.acting(cast.erik()))
    again = describe(system, "limited").asked  # what is asked for now has nothing in its way
    assert again is not None
    assert (again.was, again.becomes, tier(system)) == ("high", "limited", "high")


def test_what_else_changes_about_a_system_leaves_a_lower_tier_waiting() -> None:
    system = cast.system(risk_tier="limited")
    asked = describe(system, "minimal").asked
    assert asked is not None
    changed = registration.register_system(
        slug=system.slug, name="Another name", purpose=system.purpose, risk_tier="limited", owner=system.owner,
        by=cast.acting(cast.dana()),
    )  # fmt: skip
    assert changed.changed == ("name",)
    asked.refresh_from_db()
    assert asked.state == "waiting"
