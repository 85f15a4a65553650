"""The second factor: set up, taken away, recovery codes."""

from __future__ import annotations

from typing import Any

import qrcode
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_safe

from governance.pages import access
from governance.people import factors, roles

# The quiet zone that readers want around a QR code, in modules (ISO/IEC 18004).
_QUIET = 4


@login_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """`/account/second-factor/`"""
    person = access.person(request)
    codes = Authenticator.objects.filter(user=person, type=Authenticator.Type.RECOVERY_CODES).first()
    shown = {
        "since": person.second_factor_at, "left": len(codes.wrap().get_unused_codes()) if codes else 0,
        "is_asked": settings.SECOND_FACTOR and roles.is_privileged(person),
    }  # fmt: skip
    return render(request, "mfa/index.html", shown)


@method_decorator(login_required, name="dispatch")
class SetUp(ActivateTOTPView):
    """`/account/second-factor/app/`: shows the secret and takes the first code."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        shown: dict[str, Any] = super().get_context_data(**kwargs)
        secret: str = shown["form"].secret
        return shown | {"qr": _qr(shown["totp_url"]), "secret": " ".join(_by_four(secret))}

    @transaction.atomic
    def form_valid(self, form: Any) -> HttpResponse:
        """The app, its codes and their entries, all or nothing."""
        answer: HttpResponse = super().form_valid(form)
        person, by = access.person(self.request), access.actor(self.request)
        factors.added(person, by=by)
        if self.did_generate_recovery_codes:
            factors.codes_made(person, by=by)
        return answer


@method_decorator(login_required, name="dispatch")
class TakeAway(DeactivateTOTPView):
    """`/account/second-factor/app/remove/`: asks, and takes it away."""

    @transaction.atomic
    def form_valid(self, form: Any) -> HttpResponse:
        """The app, its codes and the entry, all or nothing."""
        factors.removed(access.person(self.request), by=access.actor(self.request))
        answer: HttpResponse = super().form_valid(form)
        return answer


@method_decorator(login_required, name="dispatch")
class NewCodes(GenerateRecoveryCodesView):
    """`/account/second-factor/codes/new/`: asks, and makes new ones."""

    @transaction.atomic
    def form_valid(self, form: Any) -> HttpResponse:
        """The codes and their entry, all or nothing."""
        answer: HttpResponse = super().form_valid(form)
        factors.codes_made(access.person(self.request), by=access.actor(self.request))
        return answer


def _by_four(text: str) -> list[str]:
    return [text[at : at + 4] for at in range(0, len(text), 4)]


def _qr(text: str) -> dict[str, Any]:
    """The QR code of a text as the path of an SVG: its dark modules, each a square of 1."""
    code = qrcode.QRCode(border=0)
    code.add_data(text)
    rows = code.get_matrix()
    squares = [f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark]
    size = len(rows) + 2 * _QUIET
    return {"path": "".join(squares), "box": f"{-_QUIET} {-_QUIET} {size} {size}"}
