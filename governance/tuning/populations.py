"""What kept counts are of: the outputs that one threshold decided, by slice of confidence, or those that rules
released, by rule. Both are counted by one statement, a row for each day, propensity and slot."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Final

from governance.tuning.scope import GRID, OURS, RELEASED, TERMS, fit, releasing, thresholds

DECIDED_CODE: Final = "tally 1"  # raised with any change of what a block holds
RULES_CODE: Final = "rules 1"
RULES: Final = "rules"  # no threshold is called that: theirs begin with the word


@dataclass(frozen=True)
class Population:
    """`rule` and `code` are those of its tally, `edges` one value a slot beside the first. `which` says which outputs
    belong to it (of `governance_output` as o), `slot` where one is counted, `own` which are kept in blocks at all."""

    rule: str
    code: str
    edges: tuple[int, ...]
    which: str
    slot: str
    own: str

    @property
    def counting(self) -> str:
        return _COUNT.format(terms=TERMS, fit=fit(self.which), slot=self.slot, own=self.own)


_COUNT: Final = """
WITH terms AS ({terms})
SELECT (received_at AT TIME ZONE 'UTC')::date AS day,
    CASE WHEN lane = 'release' OR is_audit THEN propensity ELSE 0 END AS rate,
    coalesce({slot}, 0) AS slot,
    min(received_at) FILTER (WHERE {own}), min(received_at) FILTER (WHERE settled IS NOT TRUE),
    bool_or(NOT {own}),
    count(*) FILTER (WHERE {own}),
    count(*) FILTER (WHERE {own} AND lane = 'release'),
    count(*) FILTER (WHERE {own} AND is_audit),
    count(*) FILTER (WHERE {own} AND is_audit AND wrong),
    count(*) FILTER (WHERE {own} AND lane = 'review'),
    count(*) FILTER (WHERE {own} AND lane = 'review' AND wrong),
    count(*) FILTER (WHERE {own} AND is_audit AND unjudged),
    count(*) FILTER (WHERE {own} AND lane = 'review' AND unjudged)
FROM ({fit} AND o.received_at >= %(low)s AND o.received_at < %(high)s) fit
GROUP BY 1, 2, 3
"""


def decided(asked: dict[str, Any]) -> Population:
    """What the threshold decided. An output that names a case stands for others, over days: it is in no block."""
    edges = tuple(sorted({*GRID, *thresholds(asked["policies"])}))
    slot = "width_bucket(confidence, %(edges)s::int[])"
    return Population(asked["rule"], DECIDED_CODE, edges, OURS, slot, "(case_key IS NULL)")


def released(asked: dict[str, Any]) -> Population | None:
    """What rules released; None where no rule of any version does. The names, in their order, are in the code."""
    names = releasing(asked["policies"])
    if not names:
        return None
    code = f"{RULES_CODE} {hashlib.sha256(chr(0).join(names).encode()).hexdigest()[:12]}"
    edges = tuple(range(len(names)))
    return Population(RULES, code, edges, RELEASED, "array_position(%(names)s::text[], rule::text)", "true")
