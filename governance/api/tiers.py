"""The risk tier of a system for programs that act for a person: a lower one is asked for, signed or declined."""

from collections.abc import Callable
from typing import Any, ClassVar, Final
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.api.authentication import caller, must_be_fresh
from governance.api.docs import ID, TEXT, TIME, Schema, described, list_of, of
from governance.api.parsing import members, text
from governance.models import TierChange
from governance.policies import tiers
from governance.policies.document import TIERS
from governance.refusals import Invalid, NotFound, Problem

TIER: Schema = {"enum": list(TIERS)}
CHANGE = of({
    "id": ID, "was": TIER, "becomes": TIER, "state": {"enum": list(TierChange.STATES)}, "proposer": TEXT,
    "asked_at": TIME, "signatures": list_of(of({"signer": TEXT, "role": TEXT, "at": TIME})),
    "missing": list_of(list_of(TEXT)),
})  # fmt: skip
SHOWN_AT_MOST: Final = 20
_PROBLEMS: Final = (401, 403, 404, 409)


def shown(change: TierChange) -> dict[str, Any]:
    """A change with its signatures; `missing` has, for each that is missing, the roles that may give it."""
    signatures = change.signatures.select_related("approver").order_by("at")
    return {
        "id": change.pk, "was": change.was, "becomes": change.becomes, "state": change.state,
        "proposer": change.proposer.name, "asked_at": change.asked_at,
        "signatures": [{"signer": one.approver.name, "role": one.role, "at": one.at} for one in signatures],
        "missing": [sorted(seat) for seat in tiers.open_seats(change)],
    }  # fmt: skip


class Tier(APIView):
    required_scopes: ClassVar = {"GET": "policies:read", "POST": "policies:write"}

    @described(
        "The risk tier, and the lower ones that were asked for, the latest first",
        answers={200: of({"risk_tier": TIER, "changes": list_of(CHANGE)})}, scope="policies:read",
    )  # fmt: skip
    def get(self, request: Request, slug: str) -> Response:
        system = caller(request).system(slug)
        changes = TierChange.objects.filter(system=system).select_related("proposer", "system").order_by("-id")
        return Response({"risk_tier": system.risk_tier, "changes": [shown(one) for one in changes[:SHOWN_AT_MOST]]})

    @described(
        "Ask for a lower risk tier", body=of({"becomes": TIER}), answers={200: CHANGE}, problems=_PROBLEMS,
        scope="policies:write", more="It waits for the signatures of a loosening on the tier in force. The same again "
        "answers with the one that waits. 409 for a tier that is no lower, and while no policy is in force: a system "
        "file sets those at once.",
    )  # fmt: skip
    def post(self, request: Request, slug: str) -> Response:
        who = caller(request)
        system = who.system(slug, "describe a system")
        becomes = text(members(request.data, allowed=("becomes",), required=("becomes",)), "becomes")
        if becomes not in TIERS:
            detail = f"This is one of {', '.join(TIERS)}."
            raise Invalid(f"/becomes: {detail}", errors=[Problem("/becomes", "unknown-choice", detail)])
        return Response(shown(tiers.ask_lower(system, becomes=becomes, by=who.actor_in(system))))


def _decided(request: Request, slug: str, verb: Callable[..., TierChange]) -> Response:
    who = caller(request)
    system = who.system(slug, "sign a policy")
    must_be_fresh(request)
    written = text(members(request.data, allowed=("id",), required=("id",)), "id")
    try:
        id = UUID(written)
    except ValueError:
        detail = "This is the id of the change that you have read."
        raise Invalid(f"/id: {detail}", errors=[Problem("/id", "wrong-type", detail)]) from None
    found = TierChange.objects.filter(system=system, pk=id).select_related("proposer", "system").first()
    if found is None:
        raise NotFound("There is nothing here.")
    return Response(shown(verb(found, by=who.actor_in(system))))


class SignTier(APIView):
    required_scopes: ClassVar = {"POST": "policies:write"}

    @described(
        "Sign a lower risk tier", body=of({"id": ID}), answers={200: CHANGE}, problems=_PROBLEMS,
        scope="policies:write", more="Never for who asked for it. The last signature lowers the tier. Needs a sign-in "
        "of the last quarter of an hour, or a key that the policy in force admits.",
    )  # fmt: skip
    def post(self, request: Request, slug: str) -> Response:
        return _decided(request, slug, tiers.sign)


class DeclineTier(APIView):
    required_scopes: ClassVar = {"POST": "policies:write"}

    @described(
        "Decline a lower risk tier", body=of({"id": ID}), answers={200: CHANGE}, problems=_PROBLEMS,
        scope="policies:write", more="It is over then; whoever asked for it may take it back so. Needs what signing "
        "needs.",
    )  # fmt: skip
    def post(self, request: Request, slug: str) -> Response:
        return _decided(request, slug, tiers.decline)
