"""`/webhooks/`: where the events of a system go, what came of the last ones, and the dead ones sent again."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from governance.models import System
from governance.pages import access
from governance.people.actors import Actor
from governance.refusals import NotFound, Refused
from reviews.delivery import endpoints
from reviews.delivery.board import board
from reviews.models import Endpoint

VERB = "manage webhooks"


class WebhookForm(forms.Form):
    """A new webhook."""

    system = forms.ModelChoiceField(System.objects.none(), to_field_name="slug", empty_label=None)
    url = forms.CharField(max_length=500, label="Address", help_text="It begins with https://.")
    events = forms.MultipleChoiceField(
        choices=[(event, event) for event in Endpoint.EVENTS], widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: object, systems: set[UUID] | None) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self.fields["system"].queryset = System.objects.among(systems).order_by("slug")  # type: ignore[attr-defined]
        self.fields["url"].widget.input_type = "url"


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """All webhooks she may manage; a new one, whose secret is shown once."""
    mine = access.systems(request, VERB)
    form = WebhookForm(request.POST if request.method == "POST" else None, systems=mine)
    refusal: Refused | None = None
    if request.method == "POST" and form.is_valid():
        sent = form.cleaned_data
        try:
            endpoint, secret = endpoints.create(
                sent["system"], url=sent["url"], events=sent["events"], by=access.actor(request, sent["system"])
            )
        except Refused as refused:
            refusal = refused
        else:
            return render(request, "webhook_secret.html", {"endpoint": endpoint, "secret": secret}, status=201)
    status = refusal.status if refusal else 422 if form.is_bound else 200
    watched = board(mine)
    context = {"watched": watched, "dead": sum(each.dead for each in watched), "form": form, "refusal": refusal}
    return render(request, "webhooks.html", context, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def test(request: HttpRequest, id: UUID) -> HttpResponse:
    """Sends a message that says nothing but that messages arrive."""
    endpoint, by = _find(request, id)
    if request.method == "POST":
        endpoints.test(endpoint, by=by)
        messages.success(request, "A test message is on its way; its answer appears below in a moment.")
    return redirect("webhooks")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def replay(request: HttpRequest, id: UUID, delivery: UUID | None = None) -> HttpResponse:
    """Sends dead deliveries again: one, or all."""
    endpoint, by = _find(request, id)
    if request.method == "POST":
        count = endpoints.replay(endpoint, by=by, delivery=delivery)
        messages.success(request, f"{count} {'delivery is' if count == 1 else 'deliveries are'} sent again.")
    return redirect("webhooks")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def switch(request: HttpRequest, id: UUID) -> HttpResponse:
    """Disables an endpoint, or enables it: what the form that was shown says, not the opposite of what is."""
    endpoint, by = _find(request, id)
    if request.method == "POST":
        is_enabled = request.POST.get("to") == "enabled"
        endpoints.change(endpoint, by=by, is_enabled=is_enabled)
        messages.success(request, f"This webhook is {'enabled' if is_enabled else 'disabled'}: {endpoint.url}")
    return redirect("webhooks")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def rotate(request: HttpRequest, id: UUID) -> HttpResponse:
    """Asks, and then makes a new secret, which is shown once."""
    endpoint, by = _find(request, id)
    if request.method != "POST":
        return render(request, "webhook_sure.html", {"endpoint": endpoint, "asks": "rotate"})
    if asked := access.afresh(request):
        return asked
    secret = endpoints.rotate(endpoint, by=by)
    return render(
        request, "webhook_secret.html", {"endpoint": endpoint, "secret": secret, "overlap": endpoints.OVERLAP}
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: HttpRequest, id: UUID) -> HttpResponse:
    """Asks, and then takes the webhook away."""
    endpoint, by = _find(request, id)
    if request.method != "POST":
        return render(request, "webhook_sure.html", {"endpoint": endpoint, "asks": "remove"})
    endpoints.remove(endpoint, by=by)
    messages.success(request, f"The webhook was taken away: {endpoint.url}")
    return redirect("webhooks")


def _find(request: HttpRequest, id: UUID) -> tuple[Endpoint, Actor]:
    mine = access.systems(request, VERB)
    endpoint = Endpoint.objects.present().in_systems(mine).select_related("system").filter(pk=id).first()
    if endpoint is None:
        raise NotFound("There is nothing here.")
    return endpoint, access.actor(request, endpoint.system)
