"""Drafts of policies: saved as they are written, one a person and system, proposed when they are ready."""

import json
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from governance.models import PolicyDraft, PolicyVersion, System
from governance.people.actors import Actor
from governance.policies import lifecycle, steps
from governance.policies.canonical import canonical_bytes
from governance.policies.lifecycle import Proposed
from governance.refusals import Conflict

_EMPTY: dict[str, Any] = {"threshold": {"default": 1}}


def open_draft(system: System, *, by: Actor) -> PolicyDraft:
    """Her draft for the system; a new one starts from the policy in force. Raises NotAllowed and NotFound."""
    author = steps.person(by, "propose a policy", system)
    base = system.in_force
    text = PolicyVersion.objects.values_list("document", flat=True).get(pk=base.pk) if base else json.dumps(_EMPTY)
    draft, _ = PolicyDraft.objects.get_or_create(
        system=system, author=author, defaults={"document": text, "base": base}
    )  # fmt: skip
    return draft


def others(system: System, *, by: Actor) -> list[PolicyDraft]:
    """What others are writing for the same system, the latest first."""
    found = PolicyDraft.objects.filter(system=system).exclude(author=by.person).select_related("author")
    return list(found.order_by("-saved_at")[:5])


def save(draft: PolicyDraft, document: dict[str, Any], *, revision: int) -> PolicyDraft:
    """Keeps the text, valid or not. Raises Conflict when it was saved elsewhere since `revision`, and Invalid for what
    JSON cannot carry."""
    text = canonical_bytes(document).decode()
    here = PolicyDraft.objects.filter(pk=draft.pk, revision=revision)
    if not here.update(document=text, revision=F("revision") + 1, saved_at=Now()):
        raise Conflict("This draft was saved in another window since: what you wrote is below, and the other is kept.")
    return PolicyDraft.objects.select_related("author").get(pk=draft.pk)


@transaction.atomic
def propose(draft: PolicyDraft, *, by: Actor, because: str, despite: str = "") -> Proposed:
    """Files the draft as a proposal, in the place of her own open one where there is one; the draft is then gone.

    Raises Conflict when the policy in force has changed since she began, and what proposing raises.
    """
    system = steps.held(draft.system)
    if draft.base_id != system.in_force_id:
        raise Conflict("The policy in force has changed since you began: look at it, then start from it or keep yours.")
    own = PolicyVersion.objects.of(system).filter(state__in=("proposed", "approved"), proposer=by.person)
    filed = lifecycle.propose(
        system, json.loads(draft.document), by=by, because=because, despite=despite,
        revises=own.order_by("-number").first(),
    )  # fmt: skip
    PolicyDraft.objects.filter(pk=draft.pk).delete()
    return filed


def discard(draft: PolicyDraft) -> None:
    """Throws the draft away."""
    PolicyDraft.objects.filter(pk=draft.pk).delete()


def keep(draft: PolicyDraft, *, by: Actor) -> None:
    """Says that the draft stands although the policy in force is another than when it was begun."""
    steps.person(by, "propose a policy", draft.system)
    PolicyDraft.objects.filter(pk=draft.pk).update(base=System.objects.get(pk=draft.system_id).in_force)
