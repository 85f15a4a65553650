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


@register.filter
def own_wrongs(errors: Mapping[str, str], name: str) -> list[str]:
    """The mistakes of a group as a whole, not of its questions."""
    return [errors[control] for control in (f"{name}-joined", f"{name}-field") if control in errors]


@register.filter
def is_open(name: str, at: str) -> bool:
    """Whether the part with this name holds the control that has the keyboard, or is it."""
    return at == name or at.startswith(f"{name}-")
