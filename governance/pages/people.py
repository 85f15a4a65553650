"""People: who has an account, what each may do where, and what each is qualified for."""

import secrets
from datetime import UTC, datetime, time
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from governance.models import Person, Role, Skill, System
from governance.models.people import ROLE_NAMES
from governance.pages import access
from governance.people import accounts, erasing, factors, roles
from governance.refusals import Conflict, Invalid, NotAllowed, NotFound, Refused


class _InSystems(forms.Form):
    """A form with a choice among the systems that this admin manages."""

    def __init__(self, *args: object, systems: set[UUID] | None, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        field = self.fields["system"]
        field.queryset = System.objects.among(systems).order_by("slug")  # type: ignore[attr-defined]
        if systems is not None:
            field.required, field.empty_label = True, None  # type: ignore[attr-defined]


class RoleForm(_InSystems):
    role = forms.ChoiceField(choices=[(name, name) for name in ROLE_NAMES])
    system = forms.ModelChoiceField(
        System.objects.none(), to_field_name="slug", required=False, empty_label="every system"
    )


class PersonForm(RoleForm):
    email = forms.EmailField(max_length=254)
    name = forms.CharField(max_length=120)
    field_order = ("name", "email", "role", "system")


class SkillForm(_InSystems):
    skill = forms.SlugField(max_length=64)
    system = forms.ModelChoiceField(System.objects.none(), to_field_name="slug", empty_label=None)
    until = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}), label="Until (UTC day)")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """`/people/`"""
    mine = access.systems(request, "manage people")
    form = PersonForm(request.POST if request.method == "POST" else None, systems=mine)
    refusal: Refused | None = None
    if request.method == "POST" and form.is_valid():
        password, sent = secrets.token_urlsafe(12), form.cleaned_data
        try:
            person = accounts.create(
                sent["email"], name=sent["name"], by=access.actor(request, sent["system"]), password=password,
                roles=[(sent["role"], sent["system"])],
            )  # fmt: skip
        except Refused as refused:
            refusal = refused
        else:
            return render(request, "person_made.html", {"person": person, "password": password}, status=201)
    status = refusal.status if refusal else 422 if form.is_bound else 200
    people = Person.objects.prefetch_related("roles__system", "skills__system").order_by("name", "pk")[:500]
    return render(request, "people.html", {"people": people, "form": form, "refusal": refusal}, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: HttpRequest, id: UUID) -> HttpResponse:
    """`/people/{id}/`: one person; a POST gives or takes a role, vouches for a skill, or ends the account."""
    mine = access.systems(request, "manage people")
    person = Person.objects.prefetch_related("roles__system", "skills__system").filter(pk=id).first()
    if person is None:
        raise NotFound("There is nothing here.")
    if request.method == "POST":
        if asked := access.afresh(request):
            return asked
        messages.success(request, _step(request, person, mine))
        return redirect("person", id=id)
    shown = {
        "person": person, "is_me": person == access.person(request),
        "may_erase": mine is None and person != access.person(request) and not erasing.is_erased(person),
        "role_form": RoleForm(systems=mine), "skill_form": SkillForm(systems=mine),
    }  # fmt: skip
    return render(request, "person.html", shown)


@transaction.atomic
def _step(request: HttpRequest, person: Person, mine: set[UUID] | None) -> str:
    """Does what the button says, and tells it. Raises Refused."""
    step = request.POST.get("do")
    if step == "role":
        sent = _sent(RoleForm(request.POST, systems=mine))
        accounts.grant_role(person, sent["role"], system=sent["system"], by=access.actor(request, sent["system"]))
        return f"{person} is {sent['role']} of {sent['system'] or 'every system'}."
    if step == "take":
        role = _role(person, request.POST.get("role", ""))
        if not roles.may(access.person(request), "manage people", role.system) or (
            mine is not None and not role.system
        ):
            raise NotAllowed("You manage the people of other systems.")
        _keep_one_admin(role)
        accounts.revoke_role(role, by=access.actor(request, role.system))
        return f"{person} is no longer {role.name} of {role.system or 'every system'}."
    if step in ("skill", "unskill"):
        return _skill_step(request, person, mine)
    if step == "unfactor":
        if mine is not None or person == access.person(request):
            raise NotAllowed("Another admin, of every system, takes a second factor away.")
        factors.removed(person, by=access.actor(request))
        return f"{person} signs in with the password alone until a second factor is set up again."
    if step == "end":
        if mine is not None:
            raise NotAllowed("Only an admin of every system ends an account.")
        if person == access.person(request):
            raise Conflict("Somebody else has to end your account.")
        accounts.deactivate(person, by=access.actor(request))
        return f"{person} has no access any more."
    raise Invalid("A role or a skill can be given or taken, an account ended.")


def _skill_step(request: HttpRequest, person: Person, mine: set[UUID] | None) -> str:
    """Vouches for a skill, or takes it away."""
    if request.POST.get("do") == "skill":
        sent = _sent(SkillForm(request.POST, systems=mine))
        until = datetime.combine(sent["until"], time.max, UTC) if sent["until"] else None
        said = f" until {sent['until']}" if until else ""
        accounts.grant_skill(
            person, sent["skill"], system=sent["system"], by=access.actor(request, sent["system"]), expires_at=until
        )
        return f"{person} is qualified for {sent['skill']}{said}."
    skill = _skill(person, request.POST.get("skill", ""))
    if not roles.may(access.person(request), "manage people", skill.system):
        raise NotAllowed("You manage the people of other systems.")
    accounts.revoke_skill(skill, by=access.actor(request, skill.system))
    return f"{person} is no longer qualified for {skill.name}."


def _sent(form: forms.Form) -> dict[str, Any]:
    if not form.is_valid():
        field, wrong = next(iter(form.errors.items()))
        raise Invalid(f"{field.capitalize()}: {wrong[0]}")
    sent: dict[str, Any] = form.cleaned_data
    return sent


def _role(person: Person, id: str) -> Role:
    role = next((role for role in person.roles.all() if str(role.pk) == id), None)
    if role is None:
        raise Conflict("That role was taken away already.")
    return role


def _skill(person: Person, id: str) -> Skill:
    skill = next((skill for skill in person.skills.all() if str(skill.pk) == id), None)
    if skill is None:
        raise Conflict("That skill was taken away already.")
    return skill


def _keep_one_admin(role: Role) -> None:
    if role.name != "admin" or role.system_id is not None:
        return
    others = (
        Role.objects.select_for_update().filter(name="admin", system=None, person__is_active=True).exclude(pk=role.pk)
    )
    if not others.exists():
        raise Conflict("Somebody has to be admin of every system: give the role to another person first.")
