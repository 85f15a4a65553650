"""API keys: seen, made (the secret is shown once) and revoked by engineers and admins of a system."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from governance.models import ApiKey, Person, System
from governance.pages import access
from governance.people import keys, roles
from governance.refusals import NotAllowed, NotFound, Refused


class KeyForm(forms.Form):
    name = forms.CharField(max_length=80, help_text="What or whom it is for.")
    system = forms.ModelChoiceField(System.objects.none(), to_field_name="slug", empty_label=None)
    scopes = forms.MultipleChoiceField(
        choices=[(scope, scope) for scope in ApiKey.SCOPES], widget=forms.CheckboxSelectMultiple
    )
    person = forms.ModelChoiceField(
        Person.objects.none(),
        to_field_name="email",
        required=False,
        empty_label="nobody: a producer",
        label="Acts for",
        help_text="Reviewing and changing policies take a person; the key has no more rights than hers.",
    )

    def __init__(self, *args: object, systems: set[UUID] | None, people: set[UUID] | None, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["system"].queryset = System.objects.among(systems).order_by("slug")  # type: ignore[attr-defined]
        here = Person.objects.filter(is_active=True).order_by("email")
        self.fields["person"].queryset = here if people is None else here.filter(pk__in=people)  # type: ignore[attr-defined]


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """`/keys/`"""
    person, mine = access.person(request), access.systems(request, "manage keys")
    if request.method == "POST" and (asked := access.afresh(request)):
        return asked
    # A key acts in somebody's name: an engineer makes them in her own, an admin in anybody's.
    people = None if roles.may(person, "manage people") else {person.pk}
    form = KeyForm(request.POST if request.method == "POST" else None, systems=mine, people=people)
    refusal: Refused | None = None
    if request.method == "POST" and form.is_valid():
        try:
            key, secret = _made(request, form)
        except Refused as refused:
            refusal = refused
        else:
            return render(request, "key_made.html", {"key": key, "secret": secret}, status=201)
    status = refusal.status if refusal else 422 if form.is_bound else 200
    held = ApiKey.objects.of(mine).select_related("system", "person").order_by("-pk")[:500]
    return render(request, "keys.html", {"keys_held": held, "form": form, "refusal": refusal}, status=status)


def _made(request: HttpRequest, form: KeyForm) -> tuple[ApiKey, str]:
    sent = form.cleaned_data
    someone, system = sent["person"], sent["system"]
    if someone and someone != access.person(request) and not roles.may(access.person(request), "manage people", system):
        raise NotAllowed(f"Only an admin of {system.name} makes keys in somebody else's name.")
    by = access.actor(request, system)
    return keys.create(sent["name"], system=system, scopes=sent["scopes"], by=by, person=someone)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def revoke(request: HttpRequest, id: UUID) -> HttpResponse:
    """`/keys/{id}/revoke/`: asks, and then ends the key."""
    key = ApiKey.objects.of(access.systems(request, "manage keys")).select_related("system").filter(pk=id).first()
    if key is None:
        raise NotFound("There is nothing here.")
    if request.method != "POST":
        return render(request, "key_revoke.html", {"key": key})
    if asked := access.afresh(request):
        return asked
    keys.revoke(key, by=access.actor(request, key.system))
    messages.success(request, f"The key {key.name} opens nothing any more.")
    return redirect("keys")
