"""The admin site: tables to look at, none to write to. Whoever changes something does it through a verb."""

from django.apps import apps
from django.contrib import admin
from django.db.models import BinaryField, Model
from django.http import HttpRequest

from governance.models import Person

# What an admin may see by the table of roles; outputs and decisions have their own pages, masked and by role.
SHOWN = {
    "governance": (
        "System",
        "ContractVersion",
        "PolicyVersion",
        "Approval",
        "Person",
        "Role",
        "Skill",
        "ApiKey",
        "Entry",
    ),
    "reviews": ("Queue", "Endpoint", "Delivery"),
}
_SECRET = {"Person": {"password"}, "ApiKey": {"digest"}, "Endpoint": {"secret"}}


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows to look at, without what is secret."""

    show_full_result_count = False
    list_per_page = 50
    actions = None

    def get_exclude(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        secret = _SECRET.get(self.model.__name__, set())
        fields = self.model._meta.fields
        return tuple(field.name for field in fields if field.name in secret or isinstance(field, BinaryField))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def is_admin_everywhere(request: HttpRequest) -> bool:
    """The tables hold every system's rows, so an admin of some systems has no business in them."""
    person = request.user
    if not isinstance(person, Person) or not person.is_active:
        return False
    return any(role.name == "admin" and role.system_id is None for role in person.roles.all())


def set_up(site: admin.AdminSite) -> None:
    """Registers the tables that are shown, and nothing else."""
    site.site_header = site.site_title = "Countersign"
    site.index_title = "Tables, to read"
    site.has_permission = is_admin_everywhere  # type: ignore[method-assign]
    for model in tuple(site._registry):
        site.unregister(model)
    for app, names in SHOWN.items():
        for name in names:
            site.register(apps.get_model(app, name), ReadOnly)
