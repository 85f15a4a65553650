"""Doors to measures: a reviewer's own, and, for those who lead her, one person's. No list: nobody is ranked."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Final
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.api.docs import ID, TEXT, TIME, WHOLE, YES_NO, Schema, described, of
from governance.api.parsing import members
from governance.models import System
from governance.policies.candidate import MILLION
from governance.refusals import NotFound
from reviews.api import shapes
from reviews.api.reviews import actor_of
from reviews.quality import showing
from reviews.quality.measures import FEWEST, Measures, Share, Time

_SHARE: Final = of({
    "hits": WHOLE, "cases": WHOLE, "share": shapes.SHARE, "low": shapes.SHARE, "high": shapes.SHARE,
    "interval": {"enum": ["wilson-95"]},
})  # fmt: skip
_SECONDS: Final[Schema] = {"type": ["number", "null"]}
_TIME: Final[Schema] = {
    "type": ["object", "null"],
    "properties": {"cases": WHOLE, "median": _SECONDS, "low": _SECONDS, "high": _SECONDS,
                   "interval": {"enum": ["order-statistics-95"]}},
}  # fmt: skip
_MAYBE_SHARE: Final[Schema] = {**_SHARE, "type": ["object", "null"]}
MEASURES: Final = of(
    {
        "person": of({"id": ID, "name": TEXT}), "since": TIME, "until": TIME, "shown_until": TIME, "decided": WHOLE,
        "is_capped": YES_NO, "fewest": WHOLE, "agreement": _SHARE, "rechecks": _SHARE, "known_answers": _SHARE,
        "overturned": _SHARE, "time": _TIME, "too_fast": _MAYBE_SHARE,
    },
    optional=("shown_until",),
)  # fmt: skip
_MORE: Final = (
    "Of 90 days. Under `fewest` cases a figure is null. Intervals are of 95 %: the score interval of a share (Wilson), "
    "order statistics for the median time, in seconds."
)


class OwnMeasures(APIView):
    """`GET reviews/measures/`."""

    required_scopes: ClassVar = {"GET": "decisions:read"}

    @described(
        "Your own measures", answers={200: MEASURES}, scope="decisions:read", parameters=shapes.asked("system"),
        more=f"{_MORE} `shown_until` is up to when your leads see them.",
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        found, until = showing.own(actor_of(request), system=_system(request))
        return Response(told(found) | {"shown_until": until})


class ShowMeasures(APIView):
    """`POST reviews/measures/show/`."""

    required_scopes: ClassVar = {"POST": "reviews:write"}

    @described(
        "Show your measures to your leads now", body=of({}), answers={200: of({"shown_until": TIME})},
        scope="reviews:write",
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        members(request.data, allowed=())
        return Response({"shown_until": showing.show(actor_of(request))})


class MeasuresOfOne(APIView):
    """`GET reviews/measures/{person}/`."""

    required_scopes: ClassVar = {"GET": "decisions:read"}

    @described(
        "The measures of somebody you lead", answers={200: MEASURES}, scope="decisions:read",
        parameters=shapes.asked("system"),
        more=f"{_MORE} Up to a week ago, or to when she showed them to you, in the systems that you lead.",
    )  # fmt: skip
    def get(self, request: Request, id: UUID) -> Response:
        return Response(told(showing.of(actor_of(request), id, system=_system(request))))


def told(found: Measures) -> dict[str, Any]:
    """The figures as JSON."""
    time: Time | None = found.time
    moments: dict[str, datetime] = {"since": found.since, "until": found.until}
    return {
        "person": {"id": found.person.pk, "name": str(found.person)}, **moments, "decided": found.decided,
        "is_capped": found.is_capped, "fewest": FEWEST, "agreement": _share(found.agreed),
        "rechecks": _share(found.held), "known_answers": _share(found.found), "overturned": _share(found.overturned),
        "time": time and {"cases": time.cases, "median": time.value, "low": time.low, "high": time.high,
                          "interval": "order-statistics-95"},
        "too_fast": found.too_fast and _share(found.too_fast),
    }  # fmt: skip


def _share(share: Share) -> dict[str, Any]:
    low, high = (end / MILLION for end in share.ends) if share.is_enough else (None, None)
    value = None if share.value is None else share.value / MILLION
    return {"hits": share.hits, "cases": share.cases, "share": value, "low": low, "high": high, "interval": "wilson-95"}


def _system(request: Request) -> UUID | None:
    slug = request.query_params.get("system", "")
    if not slug:
        return None
    found = System.objects.filter(slug=slug).values_list("pk", flat=True).first() if "\0" not in slug else None
    if found is None:
        raise NotFound("There is nothing here.")
    return found
