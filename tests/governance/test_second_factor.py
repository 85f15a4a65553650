"""The second factor: set up, asked for, lost; and a fresh sign-in before what cannot be taken back."""

import time
from io import StringIO
from typing import Any

import pytest
from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client

from governance.models import Entry, Person
from governance.people import erasing
from governance.people.actors import CONSOLE
from reviews.delivery import endpoints
from tests import cast

pytestmark = pytest.mark.django_db
AT = "/account/second-factor/"


@pytest.fixture(autouse=True)
def _no_code_was_used_and_nobody_failed() -> None:
    cache.clear()


def code(secret: str, steps: int = 0) -> str:
    """The digits that an app shows now (or so many half minutes later)."""
    return totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // 30 + steps))


def with_app(person: Person) -> tuple[Client, str, list[str]]:
    """Her browser after she has set up her app; the app's secret and the recovery codes that she was shown."""
    browser = cast.signed_in(person)
    page = browser.get(f"{AT}app/")
    secret = page.context["form"].secret
    done = browser.post(f"{AT}app/", {"code": code(secret)}, follow=True)
    assert done.redirect_chain == [(f"{AT}codes/", 302)], done.content.decode()
    return browser, secret, list(done.context["unused_codes"])


def sign_in(person: Person, browser: Client | None = None) -> Any:
    return (browser or Client()).post(
        "/account/login/", {"login": person.email, "password": cast.PASSWORD}, follow=True
    )


def types(person: Person) -> list[str]:
    return list(Entry.objects.filter(subject=person.pk).order_by("rev").values_list("type", flat=True))


def made_stale(browser: Client) -> None:
    """As if she had signed in an hour ago."""
    session = browser.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [
        method | {"at": method["at"] - 3600} for method in session[AUTHENTICATION_METHODS_SESSION_KEY]
    ]
    session.save()


def test_setting_it_up_takes_a_code_of_the_app_and_is_evidence() -> None:
    erik = cast.erik()
    browser, secret, codes = with_app(erik)
    assert len(set(codes)) == 10
    assert types(erik)[-2:] == ["factor_added", "recovery_codes_made"]
    assert Person.objects.get(pk=erik.pk).second_factor_at is not None
    page = browser.get(AT).content.decode()
    assert "a password and a code" in page
    kept = str(Authenticator.objects.values_list("data", flat=True))
    assert secret not in kept, "the secret of an app lies encrypted"
    assert not any(code in browser.get(f"{AT}codes/").content.decode() for code in codes), "codes are shown once"


def test_a_wrong_code_sets_nothing_up() -> None:
    erik = cast.erik()
    browser = cast.signed_in(erik)
    browser.get(f"{AT}app/")
    answer = browser.post(f"{AT}app/", {"code": "abcdef"})
    assert "Incorrect code" in answer.content.decode()
    assert not Authenticator.objects.exists()
    assert "factor_added" not in types(erik)


def test_the_code_can_be_read_from_a_picture_or_typed() -> None:
    page = cast.signed_in(cast.ruth()).get(f"{AT}app/")
    text = page.content.decode()
    secret = page.context["form"].secret
    assert page.context["qr"]["path"].count("M") > 200
    assert " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)) in text
    assert "otpauth://totp/" in page.context["totp_url"]


def test_the_password_alone_opens_nothing_any_more() -> None:
    erik = cast.erik()
    _, secret, _ = with_app(erik)
    browser = Client()
    page = sign_in(erik, browser)
    assert page.redirect_chain[-1][0] == "/account/login/code/"
    assert browser.get("/systems/").status_code == 302
    assert "Incorrect code" in browser.post("/account/login/code/", {"code": "000000"}).content.decode()
    assert browser.post("/account/login/code/", {"code": code(secret, 1)}).status_code == 302
    assert browser.get("/systems/").status_code == 200
    entry = Entry.objects.filter(subject=erik.pk, type="signed_in").latest("rev")
    assert b'"auth":"totp"' in bytes(entry.leaf)


def test_a_header_of_programs_opens_no_page_to_somebody_who_owes_a_second_factor(settings: Any) -> None:
    settings.SECOND_FACTOR = True
    browser = cast.signed_in(cast.erik())
    for headers in ({}, {"Authorization": "Bearer anything"}):
        assert browser.get("/systems/", headers=headers).headers.get("Location") == AT
    # The API reads the key of this header and no session beside it.
    assert browser.get("/api/v1/systems/", headers={"Authorization": "Bearer anything"}).status_code == 401


def test_a_code_opens_once() -> None:
    erik = cast.erik()
    _, secret, _ = with_app(erik)
    used = code(secret, 1)
    for browser, status in ((Client(), 302), (Client(), 200)):
        sign_in(erik, browser)
        assert browser.post("/account/login/code/", {"code": used}).status_code == status


def test_a_recovery_code_stands_in_once_and_is_evidence() -> None:
    erik = cast.erik()
    _, _, codes = with_app(erik)
    for browser, status in ((Client(), 302), (Client(), 200)):
        sign_in(erik, browser)
        assert browser.post("/account/login/code/", {"code": codes[3]}).status_code == status
    entry = Entry.objects.get(subject=erik.pk, type="recovery_code_used")
    assert b'"left":9' in bytes(entry.leaf)
    assert codes[3].encode() not in bytes(entry.leaf)


def test_new_recovery_codes_end_the_old_ones() -> None:
    erik = cast.erik()
    browser, _, old = with_app(erik)
    answer = browser.post(f"{AT}codes/new/", follow=True)
    new = answer.context["unused_codes"]
    assert answer.redirect_chain == [(f"{AT}codes/", 302)]
    assert not set(new) & set(old)
    assert types(erik)[-1] == "recovery_codes_made"
    stranger = Client()
    sign_in(erik, stranger)
    assert stranger.post("/account/login/code/", {"code": old[0]}).status_code == 200
    assert stranger.post("/account/login/code/", {"code": new[0]}).status_code == 302


def test_she_takes_it_away_herself() -> None:
    erik = cast.erik()
    browser, _, _ = with_app(erik)
    assert browser.post(f"{AT}app/remove/").status_code == 302
    assert types(erik)[-1] == "factor_removed"
    assert not Authenticator.objects.exists()
    assert sign_in(erik).redirect_chain[-1][0] == "/"


def test_an_admin_takes_it_away_from_somebody_else_only() -> None:
    erik, admin = cast.erik(), cast.admin()
    with_app(erik)
    assert cast.signed_in(cast.ruth()).post(f"/people/{erik.pk}/", {"do": "unfactor"}).status_code == 404
    browser = cast.signed_in(admin)
    assert "Take it away" in browser.get(f"/people/{erik.pk}/").content.decode()
    assert browser.post(f"/people/{erik.pk}/", {"do": "unfactor"}).status_code == 302
    assert browser.post(f"/people/{erik.pk}/", {"do": "unfactor"}).status_code == 409
    assert browser.post(f"/people/{admin.pk}/", {"do": "unfactor"}).status_code == 403
    entry = Entry.objects.get(subject=erik.pk, type="factor_removed")
    assert str(admin.pk).encode() in bytes(entry.leaf)


def test_the_last_admin_is_helped_from_the_console() -> None:
    admin = cast.admin()
    with_app(admin)
    call_command("reset_second_factor", admin.email, stdout=StringIO())
    assert types(admin)[-1] == "factor_removed"
    for email in (admin.email, "nobody@example.org"):
        with pytest.raises(CommandError):
            call_command("reset_second_factor", email)


def test_erasing_a_person_forgets_her_factor() -> None:
    erik = cast.erik()
    with_app(erik)
    erasing.erase_person(erik, by=CONSOLE, because="She asked.")
    assert not Authenticator.objects.exists()


@pytest.mark.parametrize("who", [cast.erik, cast.ruth, cast.admin])
def test_where_it_is_asked_for_nothing_else_opens_before_it_is_set_up(who: Any, settings: Any) -> None:
    settings.SECOND_FACTOR = True
    person = who()
    browser = cast.signed_in(person)
    for url in ("/", "/evidence/", "/systems/"):
        answer = browser.get(url)
        assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, AT), url
    assert browser.get("/api/v1/systems/").status_code == 403
    assert browser.get("/", headers={"HX-Request": "true"}).status_code == 403
    assert "Your role asks for a second factor" in browser.get(AT).content.decode()
    browser.get("/account/logout/")
    done, _, _ = with_app(person)
    assert done.get("/systems/").status_code == 200
    assert done.get("/api/v1/systems/").status_code == 200


def test_it_is_not_asked_of_others_nor_of_programs(settings: Any) -> None:
    settings.SECOND_FACTOR = True
    system = cast.system()
    for person in (cast.alice(), cast.carol(), cast.eng()):
        assert cast.signed_in(person).get("/systems/").status_code == 200
    key = cast.key_for(system, ["evidence:read", "policies:read"], cast.ruth())
    assert Client().get("/api/v1/systems/", headers=cast.bearer(key)).status_code == 200
    assert Client().get("/account/login/").status_code == 200
    assert Client().get("/healthz").status_code in (200, 503)


def test_signing_in_is_evidence_for_those_who_may_do_harm() -> None:
    for person in (cast.erik(), cast.alice()):
        cast.signed_in(person)  # gives her the password
        assert sign_in(person).redirect_chain[-1][0] == "/"
    assert types(cast.erik())[-1] == "signed_in"
    assert "signed_in" not in types(cast.alice())


def test_what_cannot_be_taken_back_asks_for_a_fresh_sign_in() -> None:
    system = cast.system()
    endpoint, _ = endpoints.create(system, url="https://example.org/x", events=["output.resolved"], by=CONSOLE)
    key = cast.keys.create("k", system=system, scopes=["outputs:read"], by=CONSOLE)[0]
    admin, engineer, ruth = (cast.signed_in(who()) for who in (cast.admin, cast.eng, cast.ruth))
    for browser in (admin, engineer, ruth):
        made_stale(browser)
    doors = [
        (engineer.post, "/keys/", {"name": "n", "system": "digits", "scopes": ["outputs:read"]}),
        (engineer.post, f"/keys/{key.pk}/revoke/", {}),
        (engineer.post, f"/webhooks/{endpoint.pk}/rotate/", {}),
        (admin.post, f"/people/{cast.alice().pk}/", {"do": "role", "role": "admin"}),
        (admin.get, f"{AT}app/", {}),
    ]
    for door, url, body in doors:
        answer = door(url, body)
        assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/account/reauthenticate/"), url
    html = {"Accept": "text/html,*/*"}
    answer = ruth.get("/api/v1/decisions/?format=csv", headers=html)
    assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/account/reauthenticate/")
    assert ruth.get("/api/v1/decisions/?format=csv").status_code == 403
    assert ruth.get("/api/v1/decisions/").status_code == 200
    assert engineer.post(f"/api/v1/webhooks/{endpoint.pk}/rotate/", content_type="application/json").status_code == 403
    assert not Entry.objects.filter(type__in=["key_revoked", "secret_rotated"]).exists()
    again = ruth.post("/account/reauthenticate/?next=/evidence/", {"password": cast.PASSWORD})
    assert (again.status_code, again["Location"]) == (302, "/evidence/")
    assert ruth.get("/api/v1/decisions/?format=csv").status_code == 200


def test_who_has_a_second_factor_proves_afresh_with_it() -> None:
    erik = cast.erik()
    browser, secret, _ = with_app(erik)
    made_stale(browser)
    answer = browser.post(f"{AT}codes/new/")
    assert answer["Location"].partition("?")[0] == "/account/reauthenticate/code/"
    assert browser.get(answer["Location"]).status_code == 200
    assert browser.post(answer["Location"], {"code": code(secret, 1)}).status_code == 302
    assert browser.post(f"{AT}codes/new/").status_code == 302


@pytest.mark.parametrize("url", ["/account/login/", "/account/password/change/", "/account/reauthenticate/"])
def test_no_field_says_its_label_twice(url: str) -> None:
    browser = Client() if "login" in url else cast.signed_in(cast.alice())
    assert "placeholder" not in browser.get(url).content.decode()
