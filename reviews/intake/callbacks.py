"""Where a producer may ask to be told: only under an origin that is registered for the system."""

from collections.abc import Sequence

from governance.models import System
from governance.refusals import Invalid, Problem
from reviews.delivery.addresses import check_url, origin_of
from reviews.intake.bodies import Body
from reviews.models import Endpoint


def refused(bodies: Sequence[Body], *, system: System) -> dict[int, Invalid]:
    """The refusals of bodies whose `callback_url` is none of the system's, by their place. No query without one."""
    asked = {place: body.callback_url for place, body in enumerate(bodies) if body.callback_url is not None}
    if not asked:
        return {}
    urls = Endpoint.objects.filter(system=system, disabled_at=None, removed_at=None).values_list("url", flat=True)
    origins = {origin_of(url) for url in urls}
    return {place: _refusal() for place, url in asked.items() if not _is_under(url, origins)}


def _is_under(url: str, origins: set[str]) -> bool:
    try:
        # Whether private networks may be reached was decided when the origin was registered.
        return origin_of(check_url(url, allow_private=True)) in origins
    except Invalid:
        return False


def _refusal() -> Invalid:
    sentence = "The callback_url is under no origin that is registered for this system."
    return Invalid(sentence, errors=[Problem("/callback_url", "unregistered-origin", sentence)])
