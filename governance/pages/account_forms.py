"""The forms of signing in, without a placeholder that says the label again; a recovery code used leaves its entry."""

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


class _Used(_Code):
    """A code that lets somebody in. A recovery code is used up and written down in one transaction."""

    def clean_code(self) -> str:
        with transaction.atomic():
            code: str = super().clean_code()  # type: ignore[misc]
            used: Authenticator = self.authenticator  # type: ignore[attr-defined]
            if used.type == Authenticator.Type.RECOVERY_CODES:
                used.refresh_from_db()
                left = len(used.wrap().get_unused_codes())
                person = self.user  # type: ignore[attr-defined]
                factors.code_used(person, left=left, by=actors.person(person, auth="recovery_codes"))
        return code


class CodeForm(_Used, AuthenticateForm):
    """The second step of signing in."""


class AfreshCodeForm(_Used, ReauthenticateCodeForm):
    """The same, to sign in afresh."""
