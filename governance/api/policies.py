"""Change control for programs: the versions of a system's policy, and the steps from proposal to force and back."""

import json
from typing import Any, ClassVar

from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.api import paging
from governance.api.authentication import caller, must_be_fresh
from governance.api.docs import (
    ID,
    MAYBE_TEXT,
    MAYBE_TIME,
    PAGING,
    TEXT,
    TIME,
    WHOLE,
    YES_NO,
    Schema,
    described,
    list_of,
    of,
    page_of,
)  # fmt: skip
from governance.api.parsing import members, text
from governance.models import Approval, Person, PolicyVersion, System
from governance.policies import checks, followers, lifecycle, registry, sentences
from governance.refusals import Conflict, Invalid, NotFound, Problem

PERSON = of({"id": ID, "name": TEXT})
SIGNED = of({"by": PERSON, "role": TEXT, "verdict": TEXT, "comment": TEXT, "at": TIME, "lapsed": YES_NO})
VERSION_MEMBERS: dict[str, Schema] = {
    "number": WHOLE, "state": TEXT, "digest": TEXT, "contract": TEXT, "based_on": {"type": ["integer", "null"]},
    "loosens": YES_NO, "unapproved": YES_NO, "because": TEXT, "breaks": list_of(TEXT), "despite": TEXT,
    "replay": MAYBE_TEXT,
    "activate_at": MAYBE_TIME, "revises": {"type": ["integer", "null"]}, "proposer": PERSON, "proposed_at": TIME,
    "in_force_from": MAYBE_TIME, "retired_at": MAYBE_TIME,
    "signatures": list_of(SIGNED),
}  # fmt: skip
VERSION = of(VERSION_MEMBERS)
WARNING = of({"pointer": TEXT, "code": TEXT, "detail": TEXT, "example": {"type": "object"}})
WHOLE_VERSION = of({**VERSION_MEMBERS, "policy": {"type": "object"}, "sentences": list_of(TEXT),
                    "missing": list_of(list_of(TEXT)), "retimes": WHOLE, "warnings": list_of(WARNING),
                    "remarks": list_of(of({"by": PERSON, "text": TEXT, "at": TIME}))})  # fmt: skip
SIGNATURE = of({"digest": TEXT, "replay": TEXT, "comment": TEXT}, optional=("replay", "comment"))


def shown(version: PolicyVersion) -> dict[str, Any]:
    """A version as lists show it; its people and signatures are loaded already."""
    return {
        "number": version.number,
        "state": version.state,
        "digest": f"sha256:{version.digest}",
        "contract": version.contract.version,
        "based_on": version.based_on.number if version.based_on else None,
        "loosens": version.loosens,
        "unapproved": not version.is_approved,
        "because": version.because,
        "breaks": version.breaks,
        "despite": version.despite,
        "replay": version.replay and f"sha256:{version.replay.digest}",
        "activate_at": version.activate_at,
        "revises": version.revises.number if version.revises else None,
        "proposer": _person(version.proposer),
        "proposed_at": version.proposed_at,
        "in_force_from": version.in_force_from,
        "retired_at": version.retired_at,
        "signatures": [_signature(approval, version) for approval in version.approvals.all()],
    }


def is_open(version: PolicyVersion) -> bool:
    """Whether it may still be put in force."""
    return version.state in ("proposed", "approved", "shadow", "canary")


def shown_whole(version: PolicyVersion) -> dict[str, Any]:
    """A version with its document, the document in words, and the roles whose signatures are missing."""
    return {
        **shown(version),
        "policy": json.loads(version.document),
        "sentences": list(sentences.policy_sentences(registry.compiled(version.pk))),
        "remarks": [
            {"by": _person(remark.author), "text": remark.text, "at": remark.at}
            for remark in version.remarks.select_related("author").order_by("id")
        ],
        "retimes": followers.would_retime(version) if is_open(version) else lifecycle.retimed_by(version),
        "missing": [sorted(seat) for seat in lifecycle.open_seats(version)],
        "warnings": [told.as_dict() for told in checks.warnings(registry.compiled(version.pk))],
    }


def _person(person: Person) -> dict[str, Any]:
    return {"id": person.pk, "name": person.name}


def _signature(approval: Approval, version: PolicyVersion) -> dict[str, Any]:
    return {
        "by": _person(approval.approver), "role": approval.role, "verdict": approval.verdict,
        "comment": approval.comment, "at": approval.at, "lapsed": approval.terms != version.terms,
    }  # fmt: skip


class Policies(APIView):
    required_scopes: ClassVar = {"GET": "policies:read", "POST": "policies:write"}

    @described(
        "The versions of a system's policy, newest first",
        answers={200: page_of(VERSION)},
        scope="policies:read",
        parameters=PAGING,
    )
    def get(self, request: Request, slug: str) -> Response:
        versions = PolicyVersion.objects.of(caller(request).system(slug)).told()
        return Response(paging.answer(versions, request, shown))

    @described(
        "Propose a policy", scope="policies:write", problems=(401, 403, 404),
        body=of({"policy": {"type": "object"}, "because": TEXT, "revises": WHOLE, "despite": TEXT},
                optional=("because", "revises", "despite")),
        answers={201: WHOLE_VERSION, 200: WHOLE_VERSION},
        more="Answers 200 with the version that exists when the same text is proposed or in force already. `revises` "
        "is the number of your own proposal whose place this one takes; signatures do not come along. A text that "
        "breaks examples of what policies must do is refused with their list, unless `despite` says why that is right.",
    )  # fmt: skip
    def post(self, request: Request, slug: str) -> Response:
        system = caller(request).system(slug, "propose a policy")
        sent = members(request.data, allowed=("policy", "because", "revises", "despite"), required=("policy",))
        revises = version_of(system, _number(sent["revises"])) if "revises" in sent else None
        version, is_new = lifecycle.propose(
            system,
            sent["policy"],
            by=caller(request).actor_in(system),
            because=text(sent, "because"),
            revises=revises,
            despite=text(sent, "despite"),
        )
        code = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
        return Response(shown_whole(version_of(system, version.number)), status=code)


class OnePolicy(APIView):
    required_scopes: ClassVar = {"GET": "policies:read"}

    @described("One version, with its document, in words too", answers={200: WHOLE_VERSION}, scope="policies:read")
    def get(self, request: Request, slug: str, number: int) -> Response:
        return Response(shown_whole(version_of(caller(request).system(slug), number)))


class _Step(APIView):
    """A step of change control: for a person who has just signed in, or a key that the policy in force admits."""

    required_scopes: ClassVar = {"POST": "policies:write"}
    verb = ""

    def begin(self, request: Request, slug: str, number: int) -> tuple[System, PolicyVersion]:
        who = caller(request)
        system = who.system(slug, self.verb)
        must_be_fresh(request)
        return system, version_of(system, number)


class Approve(_Step):
    verb = "sign a policy"

    @described(
        "Sign a version",
        body=SIGNATURE,
        answers={200: WHOLE_VERSION},
        problems=(401, 403, 404, 409),
        scope="policies:write",
        more="The digests are those of the text and, where there is one, of the replay that you have read.",
    )
    def post(self, request: Request, slug: str, number: int) -> Response:
        system, version = self.begin(request, slug, number)
        signed = _signed(request)
        lifecycle.approve(version, by=caller(request).actor_in(system), **signed)
        return Response(shown_whole(version_of(system, number)))


class Decline(_Step):
    verb = "sign a policy"

    @described(
        "Refuse a version for good",
        body=SIGNATURE,
        answers={200: WHOLE_VERSION},
        problems=(401, 403, 404, 409),
        scope="policies:write",
    )
    def post(self, request: Request, slug: str, number: int) -> Response:
        system, version = self.begin(request, slug, number)
        signed = _signed(request)
        lifecycle.decline(version, by=caller(request).actor_in(system), **signed)
        return Response(shown_whole(version_of(system, number)))


class Activate(_Step):
    verb = "activate a policy"

    @described(
        "Put an approved version in force",
        body=of({}),
        answers={200: WHOLE_VERSION},
        problems=(401, 403, 404, 409),
        scope="policies:write",
    )
    def post(self, request: Request, slug: str, number: int) -> Response:
        system, version = self.begin(request, slug, number)
        members(request.data, allowed=())
        lifecycle.activate(version, by=caller(request).actor_in(system))
        return Response(shown_whole(version_of(system, number)))


class Rollback(APIView):
    required_scopes: ClassVar = {"POST": "policies:write"}

    @described(
        "Take the version in force back",
        body=of({"because": TEXT}, optional=("because",)),
        answers={200: WHOLE_VERSION},
        problems=(401, 403, 404, 409),
        scope="policies:write",
        more="The last approved version before it is in force again, at once; the answer is that version.",
    )
    def post(self, request: Request, slug: str, number: int) -> Response:
        system = caller(request).system(slug, "restore a policy")
        because = text(members(request.data, allowed=("because",)), "because")
        if version_of(system, number).state != "in_force":
            raise Conflict(f"Version {number} is not in force, so it cannot be taken back.")
        restored = lifecycle.restore(system, by=caller(request).actor_in(system), because=because)
        return Response(shown_whole(version_of(system, restored.number)))


def version_of(system: System, number: int) -> PolicyVersion:
    """The version of that number with its people and signatures. Raises NotFound."""
    version = PolicyVersion.objects.of(system).told().filter(number=number).first() if number < 2**31 else None
    if version is None:
        raise NotFound("There is nothing here.")
    return version


def _number(value: Any) -> int:
    if type(value) is not int or value < 1:
        raise Invalid("/revises: This is the number of a version.", errors=[
            Problem("/revises", "wrong-type", "This is the number of a version.")])  # fmt: skip
    return value


def _signed(request: Request) -> dict[str, str]:
    sent = members(request.data, allowed=("digest", "replay", "comment"), required=("digest",))
    digest = text(sent, "digest", longest=80).removeprefix("sha256:")
    if not digest:
        raise Invalid("/digest: This is missing.", errors=[Problem("/digest", "missing-field", "This is missing.")])
    replay = text(sent, "replay", longest=80).removeprefix("sha256:")
    return {"digest": digest, "replay": replay, "comment": text(sent, "comment")}
