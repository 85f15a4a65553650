"""Words of the policy editor: the mistakes that belong to a control."""

from collections.abc import Mapping

from django import template

register = template.Library()


@register.filter
def mistake(errors: Mapping[str, str], name: str) -> str:
    """The mistake at the control of that name; empty when there is none."""
    return errors.get(name, "")


@register.filter
def wrongs(errors: Mapping[str, str], name: str) -> list[str]:
    """The mistakes at the controls whose names begin with this one."""
    return [wrong for control, wrong in errors.items() if control.startswith(f"{name}-")]
