"""The editor: a policy by form, each rule read back as a sentence, with the text form beside it in step."""

import json
from typing import Any

import yaml
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from governance.contracts.schema import Contract
from governance.models import ContractVersion, PolicyDraft, System
from governance.pages import access
from governance.policies import (
    checks,
    differences,
    drafting,
    drafts,
    draftsteps,
    examples,
    expectations,
    registry,
    sentences,
)  # fmt: skip
from governance.policies.document import parse_policy
from governance.policies.policy import Policy
from governance.refusals import Conflict, Invalid, Problem, Refused

_MOST_TEXT = 200_000
_STEPS = tuple(f"{noun}-" for noun in draftsteps.NOUNS)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, slug: str) -> HttpResponse:
    """`/systems/{slug}/policy/draft/`: her draft as form and text; every button saves it first."""
    system = access.system(request, slug, "propose a policy")
    by = access.actor(request, system)
    draft = drafts.open_draft(system, by=by)
    if request.method != "POST":
        return _page(request, system, draft, json.loads(draft.document))
    step, document = request.POST.get("do", "save"), json.loads(draft.document)
    try:
        document = _said(request, document, step)
        revision = int(request.POST.get("revision", "0") or 0)
        draft = drafts.save(draft, document, revision=revision)
        if step == "propose":
            said = {name: request.POST.get(name, "").strip()[:2000] for name in ("because", "despite")}
            filed = drafts.propose(draft, by=by, because=said["because"], despite=said["despite"])
            messages.success(request, f"It is policy {filed.version.number}; replay it before it is signed.")
            return redirect("proposal", slug=slug, number=filed.version.number)
        if step == "discard":
            drafts.discard(draft)
            return redirect("policy-draft", slug=slug)
        if step == "keep":
            drafts.keep(draft, by=by)
    except Refused as refusal:
        return _page(request, system, draft, document, refusal=refusal)
    at = draftsteps.focus(document, step)
    return redirect(f"{reverse('policy-draft', args=[slug])}{'?' + urlencode({'at': at}) if at else ''}")


def _said(request: HttpRequest, document: dict[str, Any], step: str) -> dict[str, Any]:
    """The document that the form, or the text beside it, states. Raises Invalid for a text that is none."""
    if step == "text":
        return _read(request.POST.get("text", ""))
    said = {name: value for name, value in request.POST.items() if isinstance(value, str)}
    document = drafting.filled(document, said)
    return draftsteps.stepped(document, step) if step.startswith(_STEPS) else document


def _read(text: str) -> dict[str, Any]:
    try:
        found = yaml.safe_load(text) if len(text) <= _MOST_TEXT else None
    except (yaml.YAMLError, RecursionError) as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        where = "" if line is None else f" (line {line + 1})"
        raise Invalid(f"The text is neither YAML nor JSON{where}.") from error
    if not isinstance(found, dict):
        raise Invalid("The text has to be one policy: a mapping with a threshold.")
    return found


def _page(
    request: HttpRequest, system: System, draft: PolicyDraft, document: dict[str, Any], *,
    refusal: Refused | None = None,
) -> HttpResponse:  # fmt: skip
    contract = _contract(system)
    policy, problems = _checked(system, document, contract)
    base = system.in_force
    old = sentences.policy_sentences(registry.compiled(base.pk)) if base else ()
    new = sentences.policy_sentences(policy) if policy else ()
    at_field = {draftsteps.at_field(problem, document): problem.detail for problem in reversed(problems)}
    shown = {
        "system": system, "draft": draft, "base": base, "refusal": refusal, "problems": problems,
        "form": drafting.form(document, risk_tier=system.risk_tier), "errors": at_field,
        "fields": expectations.named_fields(contract), "at": request.GET.get("at", ""),
        "clauses": differences.differences(old or new, new), "notes": checks.warnings(policy) if policy else (),
        "text": json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True), "policy": policy,
        "others": drafts.others(system, by=access.actor(request, system)),
        "is_stale": draft.base_id != system.in_force_id, "because": request.POST.get("because", "")[:2000],
        "despite": request.POST.get("despite", "")[:2000], "broken": _broken(system, policy, contract),
        "typed": request.POST.get("text", "") if refusal and request.POST.get("do") == "text" else "",
    }  # fmt: skip
    return render(request, "policy_draft.html", shown, status=refusal.status if refusal else 200)


def _contract(system: System) -> Contract:
    newest = ContractVersion.objects.filter(system=system).order_by("-id").first()
    if newest is None:
        raise Conflict(f"{system.name} has no contract yet: register one first.")
    return registry.compiled_contract(newest.pk)


def _checked(
    system: System, document: dict[str, Any], contract: Contract
) -> tuple[Policy | None, list[Problem]]:  # fmt: skip
    try:
        return parse_policy(document, contract=contract, risk_tier=system.risk_tier), []
    except Invalid as refusal:
        return None, list(refusal.errors)


def _broken(system: System, policy: Policy | None, contract: Contract) -> list[examples.Tried]:
    if policy is None:
        return []
    return [one for one in examples.tried(system, policy, contract) if one.is_broken]
