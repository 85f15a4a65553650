"""What a posted decision form states about a claimed item: the arguments of the verb, and how long it took."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.http import QueryDict

from governance.models import Person
from reviews.decisions.cases import Case
from reviews.pages.desk import cards, form
from reviews.queue.claims import Claim

_A_DAY_MS = 86_400_000


def given(data: QueryDict, claim: Claim | Case, person: Person) -> dict[str, Any]:
    """The arguments of `decide` or `supersede` that the form states. Raises Invalid where a field cannot be read."""
    contract = claim.rules.contract
    schema: Any = contract.output_schema if contract else True
    is_whole = claim.answer is not None and claim.context is not None
    said, context = (json.loads(claim.answer or ""), json.loads(claim.context or "")) if is_whole else (None, {})
    others = [other["output"] for other in cards.alternatives(context, said)]
    asked = form.questions(
        schema, hidden=cards.hidden_fields(claim, person), said=None if claim.is_blind else said,
        typed=form.typed_in(data),
    )  # fmt: skip
    return form.read(data, schema=schema, asked=asked, said=said, others=others, is_blind=claim.is_blind)


def took(data: QueryDict, now: datetime) -> int | None:
    """How long the person looked, in milliseconds: by her browser, else since the card was made; None when unknown."""
    for name in ("took_ms", "shown_ms"):
        said = data.get(name, "")
        if said.isascii() and said.isdecimal() and len(said) < 16:
            ms = int(said) if name == "took_ms" else int(now.timestamp() * 1000) - int(said)
            return ms if 0 <= ms < _A_DAY_MS else None
    return None
