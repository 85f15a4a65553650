"""Replays for programs: what a policy text would have done, and the terms of a proposal that can still change."""

from datetime import datetime
from typing import Any, ClassVar, Final

from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.api.authentication import caller, must_be_fresh
from governance.api.docs import ANYTHING, ID, TEXT, TIME, WHOLE, described, of
from governance.api.parsing import members, text
from governance.api.policies import WHOLE_VERSION, shown_whole, version_of
from governance.contracts.reading import exact_millionths
from governance.models import PolicyVersion, Replay
from governance.policies import amending, trials
from governance.policies.operators import instant
from governance.refusals import Invalid, Problem
from governance.tuning import replaying

REPLAY = of({
    "id": ID, "digest": TEXT, "policy_digest": TEXT, "base": {"type": ["integer", "null"]}, "opens": TIME,
    "closes": TIME, "took_ms": WHOLE, "result": ANYTHING,
})  # fmt: skip
_CHANGED: Final = {200: WHOLE_VERSION}
_REFUSED: Final = (401, 403, 404, 409)


def shown(made: Replay) -> dict[str, Any]:
    """A replay with what it found."""
    return {
        "id": made.pk, "digest": f"sha256:{made.digest}", "policy_digest": f"sha256:{made.policy_digest}",
        "base": made.base.number if made.base else None, "opens": made.opens, "closes": made.closes,
        "took_ms": made.took_ms, "result": replaying.told(made),
    }  # fmt: skip


class Replays(APIView):
    required_scopes: ClassVar = {"POST": "policies:write"}

    @described(
        "Replay a policy text", body=of({"policy": {"type": "object"}, "days": WHOLE}, optional=("days",)),
        answers={201: REPLAY}, problems=(401, 403, 404), scope="policies:write",
        more="What the text would have done to the outputs of the last `days` days (28): answers that change lane, "
        "review load, cost, escaped errors with bounds. It is kept, and changes nothing.",
    )  # fmt: skip
    def post(self, request: Request, slug: str) -> Response:
        system = caller(request).system(slug, "replay a policy")
        sent = members(request.data, allowed=("policy", "days"), required=("policy",))
        made = replaying.run(system, sent["policy"], by=caller(request).actor_in(system), days=_days(sent))
        return Response(shown(made), status=status.HTTP_201_CREATED)


class Attached(APIView):
    required_scopes: ClassVar = {"POST": "policies:write"}

    @described(
        "Replay a proposal, for its signers to see", body=of({"days": WHOLE}, optional=("days",)),
        answers=_CHANGED, problems=_REFUSED, scope="policies:write",
        more="Signatures hold for the replay that was shown, so those given before lapse.",
    )  # fmt: skip
    def post(self, request: Request, slug: str, number: int) -> Response:
        system = caller(request).system(slug, "replay a policy")
        version = version_of(system, number)
        days = _days(members(request.data, allowed=("days",)))
        replaying.attach(version, by=caller(request).actor_in(system), days=days)
        return Response(shown_whole(version_of(system, number)))


class Schedule(APIView):
    required_scopes: ClassVar = {"POST": "policies:write"}

    @described(
        "Say when a proposal is put in force by itself",
        answers=_CHANGED, problems=_REFUSED, scope="policies:write",
        body=of({"at": {"type": ["string", "null"], "format": "date-time"}}),
        more="Null takes it back. Signatures given before lapse. On the hour it is refused when its base has changed.",
    )  # fmt: skip
    def post(self, request: Request, slug: str, number: int) -> Response:
        system = caller(request).system(slug, "propose a policy")
        at = _moment(members(request.data, allowed=("at",), required=("at",))["at"])
        amending.schedule(version_of(system, number), at=at, by=caller(request).actor_in(system))
        return Response(shown_whole(version_of(system, number)))


class Rebase(APIView):
    required_scopes: ClassVar = {"POST": "policies:write"}

    @described(
        "Propose the same text again, beside the policy in force now",
        body=of({}),
        answers=_CHANGED,
        problems=_REFUSED,
        scope="policies:write",
    )
    def post(self, request: Request, slug: str, number: int) -> Response:
        system = caller(request).system(slug, "propose a policy")
        members(request.data, allowed=())
        newer = amending.rebase(version_of(system, number), by=caller(request).actor_in(system)).version
        return Response(shown_whole(version_of(system, newer.number)))


class Ask(APIView):
    required_scopes: ClassVar = {"POST": "policies:write"}

    @described(
        "Ask about a version, or answer",
        body=of({"text": TEXT}),
        answers=_CHANGED,
        problems=_REFUSED,
        scope="policies:write",
    )
    def post(self, request: Request, slug: str, number: int) -> Response:
        system = caller(request).system(slug, "discuss a policy")
        said = text(members(request.data, allowed=("text",), required=("text",)), "text")
        amending.ask(version_of(system, number), by=caller(request).actor_in(system), text=said)
        return Response(shown_whole(version_of(system, number)))


def _days(sent: dict[str, Any]) -> int:
    days = sent.get("days", replaying.USUAL_DAYS)
    if type(days) is not int:
        raise Invalid("/days: This is a whole number.", errors=[Problem("/days", "wrong-type", "A whole number.")])
    return days


def _moment(value: Any) -> datetime | None:
    at = instant(value) if isinstance(value, str) else None
    if value is not None and at is None:
        raise Invalid("/at: This is an RFC 3339 time.", errors=[Problem("/at", "wrong-type", "An RFC 3339 time.")])
    return at


class _Trial(APIView):
    """A step of a trial: for a person who has just signed in, or a key that the policy in force admits."""

    required_scopes: ClassVar = {"POST": "policies:write"}

    def begin(self, request: Request, slug: str, number: int) -> PolicyVersion:
        who = caller(request)
        system = who.system(slug, "activate a policy")
        must_be_fresh(request)
        return version_of(system, number)


class Shadow(_Trial):
    @described(
        "Run an approved version in the shadow", body=of({}), answers=_CHANGED, problems=_REFUSED,
        scope="policies:write", more="It is compared with the version in force on all that arrives, never acted on.",
    )  # fmt: skip
    def post(self, request: Request, slug: str, number: int) -> Response:
        version = self.begin(request, slug, number)
        members(request.data, allowed=())
        trials.shadow(version, by=caller(request).actor_in(version.system))
        return Response(shown_whole(version_of(version.system, number)))


class Canary(_Trial):
    @described(
        "Let an approved version judge a share of the outputs", body=of({"share": {"type": "number"}}),
        answers=_CHANGED, problems=_REFUSED, scope="policies:write",
        more="A share between 0 and 1, with at most six decimals. The same outputs are always in it.",
    )  # fmt: skip
    def post(self, request: Request, slug: str, number: int) -> Response:
        version = self.begin(request, slug, number)
        share = _share(members(request.data, allowed=("share",), required=("share",))["share"])
        trials.canary(version, share=share, by=caller(request).actor_in(version.system))
        return Response(shown_whole(version_of(version.system, number)))


class EndTrial(APIView):
    required_scopes: ClassVar = {"POST": "policies:write"}

    @described(
        "End a trial", body=of({"because": TEXT}, optional=("because",)), answers=_CHANGED, problems=_REFUSED,
        scope="policies:write",
    )  # fmt: skip
    def post(self, request: Request, slug: str, number: int) -> Response:
        system = caller(request).system(slug, "restore a policy")
        because = text(members(request.data, allowed=("because",)), "because")
        trials.stop(version_of(system, number), by=caller(request).actor_in(system), because=because)
        return Response(shown_whole(version_of(system, number)))


def _share(value: Any) -> int:
    try:
        return exact_millionths(value)
    except ValueError as error:
        raise Invalid(f"/share: {error}", errors=[Problem("/share", "not-a-share", str(error))]) from error
