"""The forms of signing in, without a placeholder that says the label again; a recovery code used leaves its entry."""

from collections.abc import Callable
from typing import Any

from allauth.account.forms import ChangePasswordForm, LoginForm, ReauthenticateForm
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.base.forms import ReauthenticateForm as ReauthenticateCodeForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from django import forms
from django.db import transaction

from governance.people import actors, factors


class _Plain(forms.Form):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)


class SignInForm(_Plain, LoginForm):
    """E-mail and password."""


class AfreshForm(_Plain, ReauthenticateForm):
    """The password once more."""


class PasswordForm(_Plain, ChangePasswordForm):
    """The old password and the new one."""


class _Code(_Plain):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        code = self.fields["code"]
        code.label = "Code"
        code.widget.attrs |= {"inputmode": "numeric", "autofocus": True, "data-mono": True, "maxlength": 20}


class FirstCodeForm(_Code, ActivateTOTPForm):
    """The first code that a new authenticator app shows."""


def _written_down(form: Any, clean: Callable[[], str]) -> str:
    """The code that lets somebody in. A recovery code is used up and written down in one transaction."""
    with transaction.atomic():
        code = clean()
        used = form.authenticator
        if used.type == Authenticator.Type.RECOVERY_CODES:
            used.refresh_from_db()
            left = len(used.wrap().get_unused_codes())
            factors.code_used(form.user, left=left, by=actors.person(form.user, auth="recovery_codes"))
    return code


class CodeForm(_Code, AuthenticateForm):
    """The second step of signing in."""

    def clean_code(self) -> str:
        return _written_down(self, super().clean_code)


class AfreshCodeForm(_Code, ReauthenticateCodeForm):
    """The same, to sign in afresh."""

    def clean_code(self) -> str:
        return _written_down(self, super().clean_code)
