"""What templates say of foreign text that stands in a line of ours: names, models, short readings."""

from __future__ import annotations

from django import template

from reviews.pages.showing.foreign import text

register = template.Library()


@register.filter
def visible(said: object) -> str:
    """The text with a name (`U+202E`) in the place of each sign that hides or turns the line around. Stands in a `bdi`,
    or alone in its block, so that letters that run from right to left move nothing beside it."""
    return "" if said is None else text(str(said)).plain
