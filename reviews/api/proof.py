"""The door to the evidence of one output, to take away and check without us."""

from typing import ClassVar
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from governance.api.authentication import Caller, caller, must_be_fresh
from governance.api.docs import BYTES, described
from governance.api.evidence import Plain
from governance.models import Output
from governance.people import roles
from governance.refusals import NotFound
from reviews import proofs


class Proof(APIView):
    """`GET outputs/{id}/proof/`."""

    required_scopes: ClassVar = {"GET": "evidence:read"}
    renderer_classes = (Plain,)

    @described(
        "The evidence of one output, as a bundle", answers={200: BYTES}, kinds=("application/zip",),
        scope="evidence:read", problems=(401, 403, 404, 409),
        more="A zip file that holds its own verifier. Only for those who may see evidence and judge nothing in the "
        "system; content is in it as far as they may see personal data.",
    )  # fmt: skip
    def get(self, request: Request, id: UUID) -> HttpResponse:
        who = caller(request)
        output = Output.objects.select_related("system").filter(pk=id).first()
        if output is None or not _may(who, output):
            raise NotFound("There is nothing here.")
        must_be_fresh(request)
        # What people wrote about it is for people: a producer's key gets the proof alone.
        sees_all = who.person is not None and roles.may(who.person, "see personal data", output.system_id)
        payloads = "all" if sees_all else "none"
        content = proofs.of(
            output, origin=settings.EVIDENCE_ORIGIN, by=who.actor_in(output.system_id), payloads=payloads
        )
        name = f'attachment; filename="{output.pk}.zip"'
        headers = {"Content-Disposition": name, "Cache-Control": "private, no-store"}
        return HttpResponse(content, content_type="application/zip", headers=headers)


def _may(who: Caller, output: Output) -> bool:
    """Entries tell how others judged, so whoever could still sit in a seat of this system does not get them."""
    id, person = output.system_id, who.person
    may_sit = person is not None and any(roles.may(person, verb, id) for verb in ("review items", "adjudicate"))
    return who.may("see evidence", id) and who.may("see outputs", id) and not may_sit
