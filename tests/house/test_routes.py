"""Every route, tried by everybody: who gets in, who is sent to sign in, who may not, and for whom there is nothing."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tests import cast
from tests.house import samples
from tests.house.routes import ROUTES, WHO, Route

PROJECT = Path(__file__).resolve().parents[2]
PEOPLE = {
    "nobody": cast.eve, "reviewer": cast.alice, "lead": cast.carol, "owner": cast.dana, "approver": cast.erik,
    "auditor": cast.ruth, "engineer": cast.eng, "admin": cast.admin,
}  # fmt: skip


class _Undo(Exception):
    """Rolls back what one visitor did, so that the next finds the same."""


def patterns(of: list[URLPattern | URLResolver], before: str = "") -> Iterator[tuple[str, Any]]:
    """Every address of the project with its view, the admin site's left out: it has a test of its own."""
    for found in of:
        at = before + str(found.pattern)
        if isinstance(found, URLResolver):
            if found.app_name != "admin":
                yield from patterns(found.url_patterns, at)
        else:
            yield at, found.callback


ALL = dict(patterns(get_resolver().url_patterns))


def test_every_route_is_listed() -> None:
    unlisted = set(ALL) - {route.pattern for route in ROUTES}
    assert not unlisted, f"Add to tests/house/routes.py: {sorted(unlisted)}"


def test_no_route_is_listed_that_does_not_exist() -> None:
    assert {route.pattern for route in ROUTES} <= set(ALL)


def test_every_method_of_the_api_is_listed() -> None:
    listed = {(route.method, route.pattern) for route in ROUTES}
    for pattern, view in ALL.items():
        methods = {
            name.upper()
            for name in ("get", "post", "put", "patch", "delete")
            if hasattr(getattr(view, "cls", None), name)
        }
        assert not {(method, pattern) for method in methods} - listed, pattern


def test_every_api_door_names_a_scope_for_each_method_or_is_open() -> None:
    for pattern, view in ALL.items():
        door = getattr(view, "cls", None)
        if door is None or not pattern.startswith("api/v1/") or not door.authentication_classes:
            continue
        methods = {name.upper() for name in ("get", "post", "put", "patch", "delete") if hasattr(door, name)}
        assert methods == set(getattr(door, "required_scopes", {})), pattern


@pytest.mark.django_db
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.pattern}")
def test_each_role_gets_what_the_table_says(route: Route) -> None:
    arguments = getattr(samples, route.sample)()
    url = "/" + _filled(route.pattern, arguments)
    browsers = {"anonymous": Client(), **{who: cast.signed_in(person()) for who, person in PEOPLE.items()}}
    seen = {who: _visit(browsers[who], route, url, arguments).status_code for who in WHO}
    if route.pattern == "healthz":
        seen = {who: 200 if status == 503 else status for who, status in seen.items()}  # no worker beats in a test
    assert seen == dict(zip(WHO, map(int, route.expected.split()), strict=True))


ASKED = sorted({
    name for part in ("governance", "reviews") for file in (PROJECT / part).rglob("pages/*.py")
    for name in re.findall(r"GET\.get(?:list)?\(\s*\"(\w+)\"", file.read_text(encoding="utf-8"))
} | {"q", "reviewer", "rule", "from"})  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize(
    "route", [r for r in ROUTES if r.method == "GET" and not r.pattern.startswith(("api/", "healthz"))], ids=str
)
def test_no_address_makes_a_page_fail(route: Route) -> None:
    url = "/" + _filled(route.pattern, getattr(samples, route.sample)())
    who = next((who for who, status in zip(WHO, route.expected.split(), strict=True) if status == "200"), "anonymous")
    browser = Client() if who == "anonymous" else cast.signed_in(PEOPLE[who]())
    for name in ASKED:
        for said in ("\0", "9" * 400, "\u202e-1", "2026-99-99"):
            assert browser.get(url, {name: said}).status_code < 500, (name, said)


def _visit(browser: Client, route: Route, url: str, arguments: dict[str, Any]) -> HttpResponse:
    body = samples.BODIES[route.body](arguments) if route.body else None
    as_json = route.pattern.startswith("api/")
    answer: HttpResponse | None = None
    try:
        with transaction.atomic():
            how = {"content_type": "application/json"} if as_json and body is not None else {}
            answer = getattr(browser, route.method.lower())(url, data=body, **how)
            raise _Undo
    except _Undo:
        assert answer is not None
        return answer


def _filled(pattern: str, arguments: dict[str, Any]) -> str:
    for name, value in arguments.items():
        for kind in ("slug", "int", "uuid", "str", "path"):
            pattern = pattern.replace(f"<{kind}:{name}>", str(value))
    assert "<" not in pattern, f"{pattern} is not filled by its sample"
    return pattern


@pytest.mark.django_db
@pytest.mark.parametrize("who", [*PEOPLE, "admin of one system"])
def test_the_tables_are_read_by_an_admin_of_every_system_and_written_by_nobody(who: str) -> None:
    system = cast.system()
    person = PEOPLE[who]() if who in PEOPLE else cast.person("local", "admin", system=system)
    browser = cast.signed_in(person)
    for model in admin.site._registry:
        table = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        assert browser.get(table).status_code == (200 if who == "admin" else 302), table
        assert browser.get(f"{table}add/").status_code == (403 if who == "admin" else 302), table
        row = model.objects.first()
        if row is not None and who == "admin":
            assert browser.get(f"{table}{row.pk}/change/").status_code == 200, table
            assert browser.post(f"{table}{row.pk}/change/", {}).status_code == 403, table
            assert browser.post(f"{table}{row.pk}/delete/", {"post": "yes"}).status_code == 403, table


@pytest.mark.django_db
def test_the_tables_show_no_password_no_digest_of_a_key_and_no_output() -> None:
    key = cast.keys.create("k", system=cast.system(), scopes=["outputs:read"], by=cast.CONSOLE)[0]
    browser = cast.signed_in(cast.admin())
    assert key.digest not in browser.get(f"/admin/governance/apikey/{key.pk}/change/").content.decode()
    shown = {model.__name__ for model in admin.site._registry}
    assert not shown & {"Output", "OutputContent", "Payload", "Decision", "Item", "Seat"}
