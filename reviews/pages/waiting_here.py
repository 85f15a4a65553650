"""What else waits for somebody on her home page: a question about her proposal, a model that nobody has let in."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import OuterRef, Subquery
from django.urls import reverse

from governance.models import ModelVersion, Person, PolicyVersion, Remark, System, TierChange
from governance.pages.templatetags import words
from governance.people import roles
from governance.policies import modelversions
from governance.policies.registry import compiled
from reviews.pages.home_words import Task, count, sentence

MOST = 3


def answering(person: Person) -> Iterator[Task]:
    """Her open proposals whose last word is somebody else's question."""
    last = Remark.objects.filter(version=OuterRef("pk")).order_by("-id")
    asked = (
        PolicyVersion.objects.filter(proposer=person, state__in=("proposed", "approved"))
        .annotate(last_by=Subquery(last.values("author")[:1]), last_at=Subquery(last.values("at")[:1]))
        .exclude(last_by=None).exclude(last_by=person.pk).select_related("system").defer("document")
    )  # fmt: skip
    for version in asked.order_by("-id")[:MOST]:
        note = f"{version.system.slug}, asked {words.when(version.last_at)}"
        url = reverse("proposal", args=[version.system.slug, version.number])
        yield Task("doc", f"Answer a question about policy {version.number}", note, url, "Answer")


def letting_in(person: Person) -> Iterator[Task]:
    """Models whose every output goes to people, where she could let them in."""
    mine = roles.systems_for(person, "admit a model")
    if mine is not None and not mine:
        return
    for system in System.objects.among(mine).with_policy().exclude(risk_tier="high").order_by("slug"):
        policy = compiled(system.in_force_id) if system.in_force_id else None
        if policy is None or policy.models is None:
            continue
        rows = ModelVersion.objects.of(system)[: modelversions.MOST]
        standings = [modelversions.standing(row, policy, risk_tier=system.risk_tier) for row in rows]
        if unknown := standings.count("unknown"):
            title = f"{sentence(count(unknown, 'model'))} that the policy in force does not know"
            yield Task("eye", title, f"{system.slug}: people decide until one is let in", _models(system), "Look")


def signing_tiers(person: Person) -> Iterator[Task]:
    """Lower risk tiers that wait for a signature which she may give."""
    mine = roles.systems_for(person, "sign a policy")
    if mine is not None and not mine:
        return
    waiting = TierChange.objects.waiting().exclude(proposer=person).exclude(signatures__approver=person)
    waiting = waiting if mine is None else waiting.filter(system__in=mine)
    for change in waiting.select_related("system", "proposer").order_by("-id")[:MOST]:
        note = f"from {change.was} to {change.becomes}, asked by {change.proposer}"
        yield Task("doc", f"A lower risk tier for {change.system.slug}", note,
                   reverse("tier", args=[change.system.slug]), "Read")  # fmt: skip


def _models(system: System) -> str:
    return reverse("models", args=[system.slug])
