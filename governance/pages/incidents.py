"""Incidents: what went out and was wrong, what was done about it, and what keeps it from happening again."""

from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from governance.models import Entry, Incident, Outcome, Person, PolicyVersion, System
from governance.monitoring import incidents
from governance.pages import access
from governance.people import roles
from governance.policies import registry
from governance.refusals import Invalid, NotFound, Refused

VERB: Final = "see incidents"
SHOWN: Final = 100


class OpeningForm(forms.Form):
    """What somebody says who has noticed something."""

    system = forms.ModelChoiceField(System.objects.none(), to_field_name="slug", empty_label=None)
    title = forms.CharField(max_length=incidents.MOST_TITLE, label="What happened")
    external_id = forms.CharField(max_length=200, required=False, label="Output", help_text="Its id, if it is one.")

    def __init__(self, *args: object, systems: set[UUID] | None, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["system"].queryset = System.objects.among(systems).order_by("slug")  # type: ignore[attr-defined]


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """`/incidents/?state=all`: those not closed, the newest first; a POST opens one."""
    mine, opens = access.systems(request, VERB), roles.systems_for(access.person(request), "open an incident")
    form = OpeningForm(request.POST if request.method == "POST" else None, systems=opens)
    refusal: Refused | None = None
    if request.method == "POST" and form.is_valid():
        sent = form.cleaned_data
        system = System.objects.with_policy().get(pk=sent["system"].pk)
        try:
            opened = incidents.by_person(
                system, by=access.actor(request, system), title=sent["title"], external_id=sent["external_id"]
            )
        except Refused as refused:
            refusal = refused
        else:
            messages.success(request, "The incident is open.")
            return redirect("incident", id=opened.pk)
    every = request.GET.get("state") == "all"
    found = Incident.objects.told().among(mine)
    waiting = found.unclosed().count()
    rows = list((found if every else found.unclosed()).newest_first()[: SHOWN + 1])
    status = refusal.status if refusal else 422 if form.is_bound else 200
    shown = {
        "rows": rows[:SHOWN], "is_cut": len(rows) > SHOWN, "shown": SHOWN, "waiting": waiting, "every": every,
        "form": form, "refusal": refusal, "may_open": opens is None or bool(opens),
    }  # fmt: skip
    return render(request, "incidents.html", shown, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: HttpRequest, id: UUID) -> HttpResponse:
    """`/incidents/{id}/`; a POST contains it, restores the policy before, or closes it."""
    incident = incidents.seen(id, access.systems(request, VERB))
    refusal: Refused | None = None
    if request.method == "POST":
        try:
            messages.success(request, _step(request, incident))
            return redirect("incident", id=id)
        except Invalid as refused:
            refusal = refused
    status = refusal.status if refusal else 200
    return render(request, "incident.html", _shown(access.person(request), incident, refusal, request), status=status)


def _step(request: HttpRequest, incident: Incident) -> str:
    """Does what the button says, and tells it. Raises Refused."""
    by, sent = access.actor(request, incident.system), request.POST
    step = sent.get("do")
    if step == "contain":
        incidents.contain(incident, by=by, how=sent.get("how", ""))
        return "It is contained. Close it once its cause is known."
    if step == "restore":
        return incidents.restore_policy(incident, by=by).containment
    if step == "close":
        number = sent.get("remedy", "")
        remedy = int(number) if number.isascii() and number.isdigit() and len(number) < 9 else None
        incidents.close(incident, by=by, cause=sent.get("cause", ""), remedy=remedy, reason=sent.get("reason", ""))
        return "It is closed."
    raise NotFound("There is nothing here.")


def _shown(person: Person, incident: Incident, refusal: Refused | None, request: HttpRequest) -> dict[str, Any]:
    system = System.objects.with_policy().get(pk=incident.system_id)
    approved = PolicyVersion.objects.of(system).filter(is_approved=True).order_by("-number")
    is_live = incident.version_id is not None and system.in_force_id == incident.version_id
    before = (
        approved.filter(state="retired", number__lt=incident.version.number).first()
        if is_live and incident.version else None
    )  # fmt: skip
    may_restore = before is not None and roles.may(person, "restore a policy", system)
    return {
        "incident": incident, "system": system, "refusal": refusal, "is_live": is_live,
        "before": before, "may_restore": may_restore and incident.state == "open",
        "may_work": roles.may(person, "work on an incident", system), "remedies": _remedies(incident),
        "threshold_before": before and registry.compiled(before.pk).threshold.default,
        "may_see_output": incident.output is not None and roles.may(person, "see outputs", system),
        "outcomes": Outcome.objects.filter(output=incident.output_id).order_by("id")[:20] if incident.output_id else (),
        "entries": Entry.objects.filter(subject=incident.pk).order_by("rev"),
        "sees_evidence": roles.may(person, "see evidence", system), "sent": request.POST,
    }  # fmt: skip


def _remedies(incident: Incident) -> list[tuple[PolicyVersion, str]]:
    """The versions that can end it, each with the lane into which it would put the output, if that is known."""
    if incident.state != "contained":
        return []
    found = list(incidents.remedies(incident)[:20])
    seen = [incidents.stops(version, incident.output) if incident.output else None for version in found]
    return [(version, one["lane"] if one else "") for version, one in zip(found, seen, strict=True)]
