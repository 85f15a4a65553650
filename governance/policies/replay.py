"""What two policies say of the recorded outputs of a window, counted by PostgreSQL in one pass over them.

Whatever was decided when they arrived (halts, versions not yet approved) plays no part: both texts are asked what they
would say of the output alone. Where content was erased, its fields are missing, as they are to the judge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from governance.policies import modelversions, recorded
from governance.policies.operators import build
from governance.policies.policy import Destination, Policy
from governance.policies.recorded import Outcome, Statement

_CHUNK: Final = 5_000
_BODIES: Final = {
    "input": "c.input::jsonb", "output": "c.output_json::jsonb", "attributes": "c.context::jsonb -> 'attributes'",
}  # fmt: skip
# Right or wrong, as far as it is known: the label; else, where a rule sent it to a person, her final word (an override
# counts as wrong, which is never too kind).
_KNOWN: Final = """coalesce(o.label, CASE WHEN o.resolved_by = 'person' AND o.rule NOT LIKE 'threshold:%%'
    AND o.final_at <= statement_timestamp() THEN o.status = 'approved' END)"""


class Group(NamedTuple):
    """Outputs that both policies treat alike, of one hour and one propensity (millionths): how many, of how many it is
    known whether they were right, and how many of those were wrong. Codes are places in the tally's tuples."""

    hour: int  # since 1970, UTC
    base: int
    candidate: int
    base_place: int
    candidate_place: int
    propensity: int
    total: int
    known: int
    wrong: int


class Flip(NamedTuple):
    """One output that changes lane."""

    id: UUID
    external_id: str
    received_at: datetime
    confidence: int | None
    was: Outcome
    becomes: Outcome
    is_right: bool | None


@dataclass(frozen=True, slots=True)
class Window:
    """The outputs of a system that arrived from `opens` until before `closes`."""

    system: UUID
    opens: datetime
    closes: datetime


@dataclass(frozen=True, slots=True)
class Tally:
    groups: tuple[Group, ...]
    base: tuple[Outcome, ...]
    candidate: tuple[Outcome, ...]
    base_places: tuple[Destination, ...]
    candidate_places: tuple[Destination, ...]

    @property
    def outputs(self) -> int:
        return sum(group.total for group in self.groups)


NOTHING_IN_FORCE: Final = Outcome("review", "no-policy")


@dataclass(frozen=True, slots=True)
class _Question:
    """Both policies written into one statement: the expressions, and what their values stand for."""

    statement: Statement
    expressions: tuple[str, str, str, str]
    base: tuple[Outcome, ...]
    candidate: tuple[Outcome, ...]
    base_places: tuple[Destination, ...]
    candidate_places: tuple[Destination, ...]


def _question(window: Window, base: Policy | None, candidate: Policy) -> _Question:
    to = Statement()
    asks = any(policy is not None and policy.validated_for is not None for policy in (base, candidate))
    admitted = modelversions.admitted(window.system) if asks else {}
    before, outcomes = recorded.verdict(to, base, admitted) if base else ("0", (NOTHING_IN_FORCE,))
    goes, places = recorded.destination(to, base) if base else ("0", (Destination(),))
    after, new_outcomes = recorded.verdict(to, candidate, admitted)
    new_goes, new_places = recorded.destination(to, candidate)
    return _Question(to, (before, after, goes, new_goes), outcomes, new_outcomes, places, new_places)


def tally(window: Window, *, base: Policy | None, candidate: Policy) -> Tally:
    """The counts of a window. `base` is what is compared with; without one everything goes to people."""
    asked = _question(window, base, candidate)
    with _reading(window, asked) as (cursor, relation, parameters):
        before, after, goes, new_goes = asked.expressions
        hour = "floor(extract(epoch FROM seen.received_at) / 3600)::integer"
        chosen = f"{hour}, {before}, {after}, {goes}, {new_goes}, seen.propensity"
        counts = "count(*), count(seen.is_right), count(*) FILTER (WHERE NOT seen.is_right)"
        cursor.execute(f"SELECT {chosen}, {counts} FROM {relation} GROUP BY 1, 2, 3, 4, 5, 6", parameters)  # noqa: S608
        groups = tuple(Group(*row) for row in sorted(cursor.fetchall()))
    return Tally(groups, asked.base, asked.candidate, asked.base_places, asked.candidate_places)


def flips(
    window: Window, *, base: Policy | None, candidate: Policy, before: UUID | None = None, most: int = 50
) -> list[Flip]:  # fmt: skip
    """The outputs that change lane, newest first, at most `most`, those before the output `before`."""
    asked = _question(window, base, candidate)
    lanes = [_lanes(asked.base, "judged.was"), _lanes(asked.candidate, "judged.becomes")]
    with _reading(window, asked, before=before) as (cursor, relation, parameters):
        said = f"{asked.expressions[0]} AS was, {asked.expressions[1]} AS becomes, seen.is_right"
        chosen = f"SELECT seen.id, seen.external_id, seen.received_at, seen.confidence, {said} FROM {relation}"  # noqa: S608
        changed = f"SELECT * FROM ({chosen}) AS judged WHERE {lanes[0]} <> {lanes[1]}"  # noqa: S608
        cursor.execute(f"{changed} ORDER BY id DESC LIMIT %(most)s", parameters | {"most": most})
        return [
            Flip(id, name, at, confidence, asked.base[was], asked.candidate[becomes], is_right)
            for id, name, at, confidence, was, becomes, is_right in cursor.fetchall()
        ]


def _lanes(outcomes: tuple[Outcome, ...], code: str) -> str:
    """The lane that a code stands for, as a text in SQL."""
    said = " ".join(f"WHEN {number} THEN '{outcome.lane}'" for number, outcome in enumerate(outcomes))
    return f"(CASE {code} {said} END)"


@contextmanager
def _reading(
    window: Window, asked: _Question, *, before: UUID | None = None
) -> Iterator[tuple[CursorWrapper, str, dict[str, Any]]]:  # fmt: skip
    """A cursor, the relation with all that the expressions read, and the parameters; the texts that match the patterns
    are found first, in tables that end with the transaction."""
    to = asked.statement
    fields = to.fields()
    parameters = to.parameters | {
        "system": window.system, "opens": window.opens, "closes": window.closes, "before": before,
    }  # fmt: skip
    inner = f"(SELECT seen.*{fields} FROM ({_outputs(to)}) AS seen OFFSET 0) AS seen"  # noqa: S608
    with transaction.atomic(), connection.cursor() as cursor:
        tables = []
        for number, pattern in enumerate(to.patterns):
            name = f"countersign_replay_{number}"
            cursor.execute(f"CREATE TEMPORARY TABLE {name} (value text) ON COMMIT DROP")
            for texts in _distinct(pattern.text, inner, parameters):
                found = _matching(pattern.pattern, texts)
                cursor.execute(f"INSERT INTO {name} SELECT unnest(%s::text[])", [found])
            cursor.execute(f"ANALYZE {name}")
            tables.append(name)
        yield cursor, inner + recorded.joins(to, tables), parameters
        for name in tables:
            cursor.execute(f"DROP TABLE {name}")


def _outputs(to: Statement) -> str:
    bodies = to.bodies()
    columns = "".join(f", {_BODIES[name]} AS {name}" for name in bodies)
    content = " LEFT JOIN governance_outputcontent c ON c.output_id = o.id" if bodies else ""
    return f"""SELECT o.id, o.external_id, o.received_at, o.confidence, nullif(o.model, '') AS model,
        nullif(o.model_version, '') AS model_version, o.prompt_version, o.is_breached, o.propensity,
        {_KNOWN} AS is_right{columns}
    FROM governance_output o{content}
    WHERE o.system_id = %(system)s AND o.received_at >= %(opens)s AND o.received_at < %(closes)s
        AND NOT o.is_known_answer AND (%(before)s::uuid IS NULL OR o.id < %(before)s::uuid) OFFSET 0"""  # noqa: S608


def _distinct(text: str, relation: str, parameters: dict[str, Any]) -> Iterator[list[str]]:
    """The distinct texts of a field, in chunks: there may be as many as there are outputs."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT {text} FROM {relation}", parameters)  # noqa: S608
        while rows := cursor.fetchmany(_CHUNK):
            yield [value for (value,) in rows if value is not None]


def _matching(pattern: str, texts: list[str]) -> list[str]:
    test: Callable[[list[Any]], bool | None] = build("matches", pattern)(0, None)
    return [text for text in texts if test([text])]
