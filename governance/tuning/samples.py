"""Counting what the tables know: one pass over the outputs that a threshold decided, per slice of confidence.

What is a label, what counts as wrong and when a window closes is told in docs/statistics.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection

from governance.models import Output, PolicyVersion, System
from governance.policies.registry import compiled
from governance.tuning.certify import MILLION, Band

# Fixed before any label was seen; finer where most models put most of their answers.
GRID: Final = tuple(sorted({*range(0, MILLION + 1, 10_000), 995_000, 999_000}))
WINDOW: Final = timedelta(days=90)
OVERDUE: Final = timedelta(days=7)  # after the due time, what nobody judged counts as wrong
MOST_UNJUDGED: Final = 0.02  # of the audits; beyond it the sample is no longer a random one


@dataclass(frozen=True)
class Scope:
    """What evidence belongs to: one threshold of one system, and the model and prompt that produced the outputs."""

    system: System
    segment: str  # "" is the default threshold
    model: str
    model_version: str
    prompt_version: str | None

    @property
    def rule(self) -> str:
        return rule_of(self.segment)


@dataclass(frozen=True)
class RuleLine:
    """Outputs that a rule released, and what their audits found."""

    rule: str
    released: int
    audited: int
    wrong: int


@dataclass(frozen=True)
class Sample:
    """The counts of one window; `bands` run from the highest confidence down and hold the whole population.

    `closes` is when the first output arrived that is still undecided (now when there is none): nothing younger is in
    the bands. `undecided` and `left_out` are the outputs after it, those that await a verdict and all. `unjudged` of
    the `audits` drawn, and `lost` of the reviews, ended without a person's verdict and count as wrong. `thinned` audits
    were set aside because part of the window was audited at a higher rate than `audit_rate` (millionths). `same_case`
    outputs are not in the bands because another output of their case stands for it.
    """

    bands: tuple[Band, ...]
    opens: datetime | None
    closes: datetime
    outputs: int = 0
    audits: int = 0
    unjudged: int = 0
    lost: int = 0
    thinned: int = 0
    undecided: int = 0
    left_out: int = 0
    audit_rate: int | None = None
    same_case: int = 0

    @property
    def labels(self) -> int:
        return sum(band.audited + band.reviewed for band in self.bands)


_FIT: Final = """
WITH terms AS (
    SELECT * FROM unnest(%(policies)s::uuid[], %(grace)s::float8[], %(undo)s::float8[]) AS t (policy, grace, undo)
), fit AS MATERIALIZED (
    SELECT o.id, o.case_key, o.confidence, o.received_at, o.lane, o.is_audit, o.propensity, o.label IS NULL AS unjudged,
        coalesce(NOT o.label, true) AS wrong,
        (o.lane = 'release' AND NOT o.is_audit) OR o.resolved_by IS NOT DISTINCT FROM 'fallback'
            OR o.received_at < statement_timestamp() - make_interval(secs => t.grace)
            OR o.label IS NOT NULL AND o.labelled_at <= statement_timestamp() - make_interval(secs => t.undo) AS settled
    FROM governance_output o JOIN terms t ON t.policy = o.policy_id
    WHERE o.system_id = %(system)s AND o.model = %(model)s AND o.model_version = %(model_version)s
        AND o.prompt_version IS NOT DISTINCT FROM %(prompt_version)s::varchar AND o.rule = %(rule)s
        AND o.threshold IS NOT NULL
        AND NOT o.is_known_answer AND o.received_at >= statement_timestamp() - make_interval(secs => %(window)s)
), cut AS (
    SELECT coalesce(min(received_at) FILTER (WHERE settled IS NOT TRUE), statement_timestamp()) AS closes FROM fit
), known AS (
    SELECT cut.closes, min(received_at) FILTER (WHERE received_at < cut.closes) AS opens,
        min(propensity) FILTER (WHERE lane = 'release' AND received_at < cut.closes) AS rate,
        count(*) FILTER (WHERE settled IS NOT TRUE) AS undecided,
        count(*) FILTER (WHERE received_at >= cut.closes) AS left_out,
        count(*) FILTER (WHERE received_at < cut.closes) AS fitting
    FROM cut LEFT JOIN fit ON true GROUP BY cut.closes
), counted AS (
    -- One output stands for its case, whatever became of it: drawn by a hash of its id.
    SELECT DISTINCT ON (case_key) id FROM fit, known WHERE case_key IS NOT NULL AND received_at < known.closes
    ORDER BY case_key, hashtextextended(id::text, 0)
), chosen AS (
    SELECT fit.*, is_audit AND (propensity = known.rate OR coalesce((
        SELECT mod(('x' || (convert_from(e.leaf, 'UTF8')::jsonb #>> '{gate,draw}'))::bit(64)::bigint::numeric
                   + 18446744073709551616, 18446744073709551616) * 1000000 < known.rate::numeric * 18446744073709551616
        FROM governance_entry e WHERE e.subject = fit.id AND e.rev = 1), false)) AS sampled
    FROM fit, known
    WHERE fit.received_at < known.closes AND (fit.case_key IS NULL OR fit.id IN (SELECT id FROM counted))
), slices AS (
    SELECT width_bucket(confidence, %(grid)s::int[]) AS slice,
        count(*) FILTER (WHERE lane = 'release') AS released,
        count(*) FILTER (WHERE sampled) AS audited,
        count(*) FILTER (WHERE sampled AND wrong) AS audited_wrong,
        count(*) FILTER (WHERE lane = 'review') AS reviewed,
        count(*) FILTER (WHERE lane = 'review' AND wrong) AS reviewed_wrong,
        count(*) FILTER (WHERE sampled AND unjudged) AS unjudged,
        count(*) FILTER (WHERE lane = 'review' AND unjudged) AS lost,
        count(*) FILTER (WHERE is_audit AND NOT sampled) AS thinned
    FROM chosen GROUP BY 1
)
SELECT known.closes, known.opens, known.rate, known.undecided, known.left_out, known.fitting, slices.*
FROM known LEFT JOIN slices ON true"""

_RULES: Final = """
SELECT o.rule, count(*), count(*) FILTER (WHERE o.is_audit AND (o.label IS NOT NULL OR o.received_at < t.late)),
    count(*) FILTER (WHERE o.is_audit AND (NOT o.label OR (o.label IS NULL AND o.received_at < t.late)))
FROM governance_output o JOIN (
    SELECT policy, statement_timestamp() - make_interval(secs => grace) AS late
    FROM unnest(%(policies)s::uuid[], %(grace)s::float8[]) AS u (policy, grace)
) t ON t.policy = o.policy_id
WHERE o.system_id = %(system)s AND o.model = %(model)s AND o.model_version = %(model_version)s
    AND o.prompt_version IS NOT DISTINCT FROM %(prompt_version)s::varchar AND o.lane = 'release'
    AND o.rule NOT LIKE 'threshold:%%'
        AND NOT o.is_known_answer AND o.received_at >= statement_timestamp() - make_interval(secs => %(window)s)
GROUP BY o.rule ORDER BY o.rule"""


def rule_of(segment: str) -> str:
    """The name that outputs decided by this threshold carry as their rule."""
    return f"threshold:{segment or 'default'}"


def scope(system: System, segment: str = "") -> Scope | None:
    """The model and prompt version of the newest output that this threshold decided; None before the first."""
    newest = Output.objects.of(system).genuine().filter(rule=rule_of(segment)).newest_first()
    found = newest.values_list("model", "model_version", "prompt_version").first()
    return Scope(system, segment, *found) if found else None


def sample(of: Scope, *, in_force: int | None) -> Sample:
    """The counts of the last 90 days, by one statement. `in_force` (millionths) becomes an edge of the grid."""
    grid = sorted({*GRID, *([] if in_force is None else [in_force])})
    rows = _fetch(_FIT, _parameters(of) | {"grid": grid})
    closes, opens, rate, undecided, left_out, fitting = rows[0][:6]
    slices = {row[6]: row[7:] for row in rows if row[6] is not None}
    empty = (0,) * 8
    bands = [Band(edge / MILLION, *slices.get(slot, empty)[:5]) for slot, edge in enumerate(grid, start=1)]
    unjudged, lost, thinned = (sum(counts[column] for counts in slices.values()) for column in (5, 6, 7))
    audits, outputs = sum(band.audited for band in bands), sum(band.total for band in bands)
    return Sample(
        tuple(reversed(bands)), opens, closes, outputs, audits, unjudged, lost, thinned, undecided, left_out, rate,
        fitting - outputs,
    )  # fmt: skip


def released_by_rules(of: Scope) -> tuple[RuleLine, ...]:
    """The outputs of the same window that a rule released, a line for each rule: they are audited like the others."""
    return tuple(RuleLine(*row) for row in _fetch(_RULES, _parameters(of)))


def _parameters(of: Scope) -> dict[str, Any]:
    # Deadlines are those of the policy that judged the output, whatever is in force today.
    judging = PolicyVersion.objects.of(of.system).filter(in_force_from__isnull=False).values_list("pk", flat=True)
    policies = {pk: compiled(pk) for pk in judging}
    return {
        "system": of.system.pk, "model": of.model, "model_version": of.model_version,
        "prompt_version": of.prompt_version, "rule": of.rule, "window": WINDOW.total_seconds(),
        "policies": list(policies),
        "grace": [
            (policy.sla.longest(policy.routing.queues) + OVERDUE).total_seconds() for policy in policies.values()
        ],
        "undo": [float(policy.review.undo_seconds) for policy in policies.values()],
    }  # fmt: skip


def _fetch(statement: str, parameters: dict[str, Any]) -> Sequence[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
