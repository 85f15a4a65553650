"""What evidence belongs to, which outputs of it are counted and when they are settled: what every count starts from.

What is a label, what counts as wrong and when a window closes is told in docs/statistics.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection

from governance.models import Output, PolicyVersion, System
from governance.policies.registry import compiled
from governance.tuning.certify import MILLION

# Fixed before any label was seen; finer where most models put most of their answers.
GRID: Final = tuple(sorted({*range(0, MILLION + 1, 10_000), 995_000, 999_000}))
WINDOW: Final = timedelta(days=90)
OVERDUE: Final = timedelta(days=7)  # after the due time, what nobody judged counts as wrong

# The window opens with a day, so that days which were counted once need not be counted again.
FIRST_DAY: Final = "(date_trunc('day', statement_timestamp() AT TIME ZONE 'UTC') - make_interval(secs => %(window)s))"
OPENS: Final = f"({FIRST_DAY} AT TIME ZONE 'UTC')"
TERMS: Final = """
    SELECT * FROM unnest(%(policies)s::uuid[], %(grace)s::float8[], %(undo)s::float8[]) AS t (policy, grace, undo)
"""
# Not IS NOT DISTINCT FROM: of that PostgreSQL expects one row, whatever there is, and sorts millions on disk.
PROMPT: Final = """(o.prompt_version = %(prompt_version)s::varchar
        OR %(prompt_version)s::varchar IS NULL AND o.prompt_version IS NULL)"""
OURS: Final = f"""o.system_id = %(system)s AND o.model = %(model)s AND o.model_version = %(model_version)s AND {PROMPT}
        AND o.rule = %(rule)s AND o.threshold IS NOT NULL AND NOT o.is_known_answer"""
# What the rules of any version released alone, by the same model and prompt.
RELEASED: Final = f"""o.system_id = %(system)s AND o.model = %(model)s AND o.model_version = %(model_version)s
        AND {PROMPT} AND o.lane = 'release' AND o.rule = ANY(%(names)s::text[]) AND o.threshold IS NULL
        AND NOT o.is_known_answer"""


def fit(which: str) -> str:
    """Every output of a population with what counting asks of it; more conditions may follow."""
    return f"""
    SELECT o.id, o.rule, o.case_key, o.confidence, o.received_at, o.lane, o.is_audit, o.propensity,
        o.label IS NULL AS unjudged, coalesce(NOT o.label, true) AS wrong,
        (o.lane = 'release' AND NOT o.is_audit) OR o.resolved_by IS NOT DISTINCT FROM 'fallback'
            OR o.received_at < statement_timestamp() - make_interval(secs => t.grace)
            OR o.label IS NOT NULL AND o.labelled_at <= statement_timestamp() - make_interval(secs => t.undo) AS settled
    FROM governance_output o JOIN terms t ON t.policy = o.policy_id
    WHERE {which}
"""  # noqa: S608  only constants


FIT: Final = fit(OURS)


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


def rule_of(segment: str) -> str:
    """The name that outputs decided by this threshold carry as their rule."""
    return f"threshold:{segment or 'default'}"


def scope(system: System, segment: str = "") -> Scope | None:
    """The model and prompt version of the newest output that this threshold decided; None before the first."""
    newest = Output.objects.of(system).genuine().filter(rule=rule_of(segment)).newest_first()
    found = newest.values_list("model", "model_version", "prompt_version").first()
    return Scope(system, segment, *found) if found else None


_NEWEST: Final = """
SELECT asked.segment, newest.model, newest.model_version, newest.prompt_version
FROM unnest(%(segments)s::text[], %(rules)s::text[]) AS asked (segment, rule) CROSS JOIN LATERAL (
    SELECT model, model_version, prompt_version FROM governance_output
    WHERE system_id = %(system)s AND rule = asked.rule AND NOT is_known_answer ORDER BY id DESC LIMIT 1
) newest
"""


def newest_of(system: System, segments: Sequence[str]) -> dict[str, Scope]:
    """The scopes of many segments by one query; those without an output are left out."""
    asked: dict[str, Any] = {
        "system": system.pk,
        "segments": list(segments),
        "rules": [rule_of(each) for each in segments],
    }
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST, asked)
        return {segment: Scope(system, segment, *model) for segment, *model in cursor.fetchall()}


def parameters(of: Scope, *, judging: Sequence[UUID] | None = None) -> dict[str, Any]:
    """What the statements ask for. Deadlines are those of the policy that judged, whatever is in force today. `judging`
    are the versions that were ever in force, where the caller has them."""
    if judging is None:
        ruled = PolicyVersion.objects.of(of.system).filter(in_force_from__isnull=False)
        judging = list(ruled.values_list("pk", flat=True))
    policies = {pk: compiled(pk) for pk in judging}
    return {
        "system": of.system.pk, "model": of.model, "model_version": of.model_version,
        "prompt_version": of.prompt_version, "rule": of.rule, "window": WINDOW.total_seconds(),
        "policies": list(policies), "names": releasing(list(policies)),
        "grace": [
            (policy.sla.longest(policy.routing.queues) + OVERDUE).total_seconds() for policy in policies.values()
        ],
        "undo": [float(policy.review.undo_seconds) for policy in policies.values()],
    }  # fmt: skip


def releasing(policies: list[Any]) -> list[str]:
    """Every rule by which one of these versions lets outputs go out, whatever their confidence."""
    return sorted({rule.id for pk in policies for rule in compiled(pk).rules if rule.then == "release"})


def thresholds(policies: list[Any]) -> set[int]:
    """Every threshold, in millionths, that these versions set."""
    found = [compiled(pk).threshold for pk in policies]
    return {each.default for each in found} | {part.threshold for each in found for part in each.segments}
