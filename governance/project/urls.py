"""The routes: each room brings its own, and this file only says where they hang."""

from allauth.account import views as account
from allauth.account.decorators import secure_admin_login
from allauth.mfa.base import views as factor
from allauth.mfa.recovery_codes.views import view_recovery_codes
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from governance.monitoring.health import healthz
from governance.monitoring.metrics import metrics
from governance.pages import second_factor
from governance.project import tables

tables.set_up(admin.site)
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

urlpatterns = [
    path("api/v1/", include("reviews.api.urls")),  # the busiest first: Django asks one route after the other
    path("healthz", healthz, name="healthz"),
    path("metrics", metrics, name="metrics"),
    path("favicon.ico", RedirectView.as_view(url="/static/icons/mark.svg"), name="favicon"),
    path("account/login/", account.login, name="account_login"),
    path("account/logout/", account.logout, name="account_logout"),
    path("account/inactive/", account.account_inactive, name="account_inactive"),
    path("account/signup/", account.signup, name="account_signup"),
    path("account/reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
    path("account/login/code/", factor.authenticate, name="mfa_authenticate"),
    path("account/reauthenticate/code/", factor.reauthenticate, name="mfa_reauthenticate"),
    path("account/second-factor/", second_factor.index, name="mfa_index"),
    path("account/second-factor/app/", second_factor.SetUp.as_view(), name="mfa_activate_totp"),
    path("account/second-factor/app/remove/", second_factor.TakeAway.as_view(), name="mfa_deactivate_totp"),
    path("account/second-factor/codes/", view_recovery_codes, name="mfa_view_recovery_codes"),
    path("account/second-factor/codes/new/", second_factor.NewCodes.as_view(), name="mfa_generate_recovery_codes"),
    path("account/password/change/", account.password_change, name="account_change_password"),
    path("admin/", admin.site.urls),
    path("api/v1/", include("governance.api.urls")),
    path("", include("governance.pages.urls")),
    path("", include("reviews.pages.urls")),
]

handler400 = "governance.project.refusals.bad_request"
handler403 = "governance.project.refusals.not_allowed"
handler404 = "governance.project.refusals.not_found"
handler500 = "governance.project.refusals.failed"
