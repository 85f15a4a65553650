"""A final decision before whoever may put another in its place: the item as it was shown, and what was decided."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.http import QueryDict

from governance.models import Payload, Person
from governance.people.actors import Actor
from reviews.decisions.superseding import Superseded, correctable
from reviews.pages.desk import cards, form
from reviews.pages.desk.asking import filled, texts
from reviews.pages.desk.cards import Card
from reviews.pages.desk.form import PREFIX, ROWS, Typed
from reviews.queue.claims import COLUMNS, Claim

_DECIDED: Final = f"""
WITH shown AS (SELECT s.*, false AS is_new FROM reviews_seat s WHERE s.item_id = %s AND s.number = %s)
{COLUMNS}
"""  # noqa: S608  only constants


@dataclass(frozen=True, slots=True)
class Correction:
    """`claim` is the item as a claim would show it, with nothing hidden any more; nobody holds it. `before` has the
    texts of the person's own answer, which the form starts from."""

    old: Superseded
    claim: Claim
    before: Mapping[str, str]
    comment: str

    def card(self, person: Person, typed: Typed | None = None) -> Card:
        """The card to correct on, with what was typed already."""
        return cards.card(self.claim, person, typed=typed or Typed(fields=self.before))

    def without_what_was(self, data: QueryDict) -> QueryDict:
        """The form, but an approval loses the fields that nobody touched: they hold the answer that it replaces."""
        fields = form.typed_in(data).fields
        if data.get("verdict") != "approve" or _lines(fields) != _lines(self.before):
            return data
        kept = data.copy()
        for name in [name for name in kept if name.startswith((PREFIX, ROWS))]:
            del kept[name]
        return kept


def correction(actor: Actor, decision: UUID, person: Person) -> Correction:
    """A decision that this person may correct now. Raises Conflict when there is nothing to correct, NotAllowed,
    NotFound."""
    old = correctable(actor, decision)
    with connection.cursor() as cursor:
        cursor.execute(_DECIDED, [old.item.pk, old.seat])
        claim = Claim(*cursor.fetchone())
    # The round is closed: what was hidden is told, and the seat's number means nothing any more.
    claim = replace(claim, is_blind=False, number=1, expires_at=claim.now)
    payloads = dict(Payload.objects.filter(entry=old.entry_id).values_list("name", "content"))
    comment = bytes(payloads["comment"]).decode() if "comment" in payloads else ""
    return Correction(old, claim, _before(old, claim, payloads.get("output"), person), comment)


def _before(old: Superseded, claim: Claim, content: Any, person: Person) -> dict[str, str]:
    if old.verdict != "override" or content is None:
        return {}
    contract = claim.rules.contract
    schema: Any = contract.output_schema if contract else True
    own = json.loads(bytes(content))
    asked = form.questions(schema, hidden=cards.hidden_fields(claim, person), said=own)
    return dict(texts(filled(asked, own, None, "was")))


def _lines(fields: Mapping[str, str]) -> dict[str, list[str]]:
    return {name: said.splitlines() for name, said in fields.items() if said}
