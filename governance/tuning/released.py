"""What rules let out, whatever the confidence: how many, and what their audits found, a line for each rule.

What is final is read from kept counts, as for thresholds; the result is that of a statement over all rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.db import connection

from governance.tuning import kept
from governance.tuning.kept import COLUMNS
from governance.tuning.populations import RULES, released
from governance.tuning.scope import FIRST_DAY, OPENS, RELEASED, TERMS, Scope, fit, parameters


@dataclass(frozen=True)
class RuleLine:
    """Outputs that a rule released, how many of them were audited and how many of these audits found them wrong. One
    whose verdict can still be undone is not counted as audited, one never judged counts as wrong."""

    rule: str
    released: int
    audited: int
    wrong: int


# One statement and so one moment: whether the blocks hold, what they say, and what came since.
_LINES: Final = f"""
WITH terms AS ({TERMS}), tally AS MATERIALIZED (
    SELECT id, counted_to, position FROM governance_tally
    WHERE system_id = %(system)s AND rule = '{RULES}' AND model = %(model)s AND model_version = %(model_version)s
        AND prompt_version IS NOT DISTINCT FROM %(prompt_version)s::varchar AND code = %(code)s
        AND unsettled = '{{}}' AND policies @> %(policies)s::uuid[] AND policies <@ %(policies)s::uuid[]
), beyond AS (
    SELECT entry_id FROM governance_sealed WHERE index >= (SELECT position FROM tally)
    UNION ALL SELECT entry_id FROM governance_pendingentry LIMIT %(most)s
), held AS MATERIALIZED (
    SELECT id, counted_to FROM tally WHERE %(trusted)s AND {kept.untouched(RELEASED, "tally.counted_to")}
), blocks AS (
    SELECT count(*) AS number, string_agg(counts, '') AS counts FROM governance_tallyblock
    WHERE tally_id = (SELECT id FROM held) AND day >= ({FIRST_DAY})::date
), since AS (
    SELECT rule, count(*) AS released, count(*) FILTER (WHERE is_audit AND settled) AS audited,
        count(*) FILTER (WHERE is_audit AND settled AND wrong) AS wrong
    FROM ({fit(RELEASED)}
        AND o.received_at >= coalesce((SELECT counted_to FROM held), {OPENS})) fit
    GROUP BY rule
)
SELECT blocks.number, blocks.counts, since.* FROM blocks LEFT JOIN since ON true
"""  # noqa: S608  only constants


def by_rules(of: Scope, *, asked: dict[str, Any] | None = None, trusted: bool = True) -> tuple[RuleLine, ...]:
    """A line for each rule that let something out in the window, by name. `asked` are the scope's parameters where the
    caller has them; without `trusted` nothing that is kept is used."""
    asked = asked or parameters(of)
    population = released(asked)
    if population is None:
        return ()
    with connection.cursor() as cursor:
        cursor.execute(_LINES, asked | {"code": population.code, "most": kept.MOST_BEYOND, "trusted": trusted})
        rows = cursor.fetchall()
    lines = {rule: tuple(counts) for _, _, rule, *counts in rows if rule is not None}
    number, counts = rows[0][:2]
    whole = kept.unpacked(bytes(counts or b""), number, len(population.edges)).sum(axis=0)
    columns = [whole[COLUMNS.index(name)].tolist() for name in ("released", "audited", "audited_wrong")]
    found = []
    for name, *before in zip(asked["names"], *(column[1:] for column in columns), strict=True):
        line = RuleLine(name, *(a + b for a, b in zip(before, lines.get(name, (0, 0, 0)), strict=True)))
        if line.released:
            found.append(line)
    return tuple(found)
