"""Outputs as replay sees them, for the tests that hold its SQL against the closures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django.db import connection

from governance.policies import recorded
from governance.policies.candidate import Candidate
from governance.policies.operators import build


def rows(
    statement: recorded.Statement, columns: Sequence[str], candidates: Sequence[Candidate]
) -> list[tuple[Any, ...]]:
    """The value of each expression for each candidate, by one statement over them."""
    parameters = dict(statement.parameters)
    lines = []
    for number, candidate in enumerate(candidates):
        for name, value in _row(candidate).items():
            parameters[f"c{number}_{name}"] = value
        cells = ", ".join(f"%(c{number}_{name})s::{kind}" for name, kind in recorded.SEEN.items())
        lines.append(f"({number}, {cells})")
    seen = f"SELECT * FROM (VALUES {', '.join(lines)}) AS t (place, {', '.join(recorded.SEEN)}) OFFSET 0"
    inner = f"SELECT seen.*{statement.fields()} FROM ({seen}) AS seen"
    parameters |= statement.parameters
    with connection.cursor() as cursor:
        tables = []
        for pattern in statement.patterns:
            cursor.execute(f"SELECT DISTINCT {pattern.text} FROM ({inner}) AS seen", parameters)
            test = build("matches", pattern.pattern)(0, None)
            parameters[pattern.alias] = [text for (text,) in cursor.fetchall() if text is not None and test([text])]
            tables.append(f"unnest(%({pattern.alias})s::text[])")
        joined = recorded.joins(statement, [f"(SELECT {table} AS value)" for table in tables])
        chosen = ", ".join(columns)
        cursor.execute(f"SELECT {chosen} FROM ({inner}) AS seen{joined} ORDER BY seen.place", parameters)
        return list(cursor.fetchall())


def _row(candidate: Candidate) -> dict[str, Any]:
    return {
        "confidence": candidate.confidence, "model": candidate.model, "model_version": candidate.model_version,
        "prompt_version": candidate.prompt_version, "received_at": candidate.received_at,
        "is_breached": bool(candidate.problems), "input": json.dumps(candidate.input),
        "output": json.dumps(candidate.output), "attributes": json.dumps(candidate.attributes),
    }  # fmt: skip
