"""The log for machines: C2SP tlog-tiles, so that anybody's tools can follow it, and single entries with their proof.

Heads and hashes are open, else nobody outside could watch; they hold nothing but hashes. Entries ask for a right.
"""

import json
from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.api import paging
from governance.api.authentication import caller
from governance.api.docs import BYTES, ID, PAGING, TEXT, TIME, described, of, page_of
from governance.api.rendering import JSONRenderer
from governance.evidence import log, sight, tiles
from governance.models import Entry
from governance.people import roles
from governance.refusals import NotAllowed, NotFound

ENTRY = of({
    "id": ID, "at": TIME, "type": TEXT, "leaf_hash": TEXT, "index": {"type": ["integer", "null"]},
    "leaf": {"type": "object"},
})  # fmt: skip
ONE_ENTRY = of({**ENTRY["properties"], "proof": {"type": ["string", "null"]}})
_OCTETS = "application/octet-stream"
_FOR_EVER = "public, max-age=31536000, immutable"
_NOT_LONG = "no-cache"


class Plain(JSONRenderer):
    """For doors that answer with bytes of their own, whatever the client says it takes."""

    media_type = "*/*"


class _Open(APIView):
    """A door without a key: what stands behind it is meant for everybody who keeps an eye on the log."""

    authentication_classes = ()
    permission_classes = ()
    renderer_classes = (Plain,)


class Checkpoint(_Open):
    """`GET evidence/checkpoint`."""

    @described("The newest signed head of the log", answers={200: TEXT}, problems=(404,), kinds=("text/plain",))
    def get(self, request: Request) -> HttpResponse:
        """A C2SP signed note, with the cosignatures of witnesses. 404 as long as nothing is sealed."""
        checkpoint = log.latest_checkpoint()
        if checkpoint is None:
            raise NotFound("Nothing is sealed yet.")
        return _answer(log.note_of(checkpoint), "text/plain; charset=utf-8", _NOT_LONG)


class Tile(_Open):
    """`GET evidence/tile/{level}/{number}`."""

    @described("A tile of hashes of the log", answers={200: BYTES}, problems=(404,), kinds=(_OCTETS,))
    def get(self, request: Request, level: int, at: str) -> HttpResponse:
        number, width = _place(at)
        if level > 9 or number >= 2**54:
            raise NotFound("The log has no such tile.")
        kept = _FOR_EVER if width == tiles.WIDTH else _NOT_LONG
        return _answer(log.tile(level, number, width), _OCTETS, kept)


class EntryBundle(APIView):
    """`GET evidence/tile/entries/{number}`."""

    required_scopes: ClassVar = {"GET": "evidence:read"}
    renderer_classes = (Plain,)

    @described(
        "256 entries of the log", answers={200: BYTES}, kinds=(_OCTETS,), scope="evidence:read",
        more="Entries of all systems, so the person behind the key has to be an auditor (or owner, approver, admin) of "
        "all of them and no reviewer.",
    )  # fmt: skip
    def get(self, request: Request, at: str) -> HttpResponse:
        number, width = _place(at)
        who = caller(request)
        # A key is bound to one system, the log is not: here the person's own right counts.
        systems = roles.systems_for(who.person, "see evidence") if who.person else who.systems("see evidence")
        if not sight.sees_all(systems, who.person):
            if systems is not None and not systems:
                raise NotFound("There is nothing here.")
            raise NotAllowed("The log holds the entries of every system: read yours one by one at evidence/entries/.")
        return _answer(log.entry_bundle(number, width), _OCTETS, "private, no-cache")


class Entries(APIView):
    """`GET evidence/entries/`."""

    required_scopes: ClassVar = {"GET": "evidence:read"}

    @described(
        "The entries you may see, newest first", answers={200: page_of(ENTRY)}, scope="evidence:read",
        problems=(401, 403), parameters=PAGING,
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        who = caller(request)
        found = sight.seen(who.systems("see evidence"), who.person)
        answer = paging.answer(found, request, lambda entry: entry)
        places = log.places([entry.pk for entry in answer["results"]])
        answer["results"] = [_shown(entry, places.get(entry.pk)) for entry in answer["results"]]
        return Response(answer)


class OneEntry(APIView):
    """`GET evidence/entries/{id}/`."""

    required_scopes: ClassVar = {"GET": "evidence:read"}

    @described(
        "One entry with its proof", answers={200: ONE_ENTRY}, scope="evidence:read",
        more="`proof` is a C2SP tlog-proof under the newest head, null while the entry waits for its seal.",
    )  # fmt: skip
    def get(self, request: Request, id: UUID) -> Response:
        who = caller(request)
        entry = sight.seen(who.systems("see evidence"), who.person).filter(pk=id).first()
        if entry is None:
            raise NotFound("There is nothing here.")
        proof = log.prove(entry.pk)
        shown = _shown(entry, proof.index if proof else None)
        return Response({**shown, "proof": proof.as_text() if proof else None})


def _shown(entry: Entry, index: int | None) -> dict[str, Any]:
    return {
        "id": entry.pk, "at": entry.at, "type": entry.type, "leaf_hash": bytes(entry.leaf_hash).hex(), "index": index,
        "leaf": json.loads(bytes(entry.leaf)),
    }  # fmt: skip


def _place(text: str) -> tuple[int, int]:
    try:
        return tiles.parse_path(text)
    except ValueError as error:
        raise NotFound("The log has no such tile.") from error


def _answer(body: str | bytes, kind: str, kept: str) -> HttpResponse:
    return HttpResponse(body, content_type=kind, headers={"Cache-Control": kept})
