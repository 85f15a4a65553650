"""The threshold lab: the certificate or why there is none, the figure, what another threshold would mean."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_http_methods, require_safe

from governance import clock
from governance.models import Person, System
from governance.pages import access, tuning_beside, tuning_next, tuning_tables
from governance.pages.tuning_consequences import Setting, price, told
from governance.pages.tuning_figure import figure
from governance.people import roles
from governance.policies.policy import Policy
from governance.refusals import NotFound, Refused
from governance.tuning import current, looks, proposing, result
from governance.tuning.bounds import clopper_pearson_upper
from governance.tuning.certify import MILLION
from governance.tuning.current import Current
from governance.tuning.looks import Exploration, Standing
from governance.tuning.reading import Reading, Row, rows, unseen

SECONDS_A_REVIEW: Final = 60
SHAPES: Final[tuple[dict[str, Any], ...]] = (
    {"name": "wide", "width": 960, "height": 352, "left": 44, "right": 118},
    {"name": "small", "width": 358, "height": 300, "left": 36, "right": 14},
)


@dataclass(frozen=True)
class Shown:
    """What the page shows: a certificate's own evidence, or an exploration."""

    reading: Reading
    goal: float
    level: float
    model: str
    opens: datetime | None
    closes: datetime
    counts: dict[str, Any]  # outputs, audits, unjudged, lost, thinned, undecided, left_out
    released_by_rules: list[dict[str, Any]]

    @property
    def judged(self) -> int:
        return sum(band.audited + band.reviewed for band in self.reading.bands)

    @property
    def has_missed(self) -> bool:
        """Whether the test pays for errors that reviewers miss."""
        return unseen(self.reading, self.goal) > 1.0

    @property
    def is_one_day(self) -> bool:
        return self.opens is not None and self.opens.date() == self.closes.date()


@login_required
@require_safe
def show(request: HttpRequest, slug: str) -> HttpResponse:
    """`/systems/{slug}/tuning/?trial=0.78&seconds=60&segment=&now=1&rows=all`"""
    system = access.system(request, slug, "see tuning")
    person, segment = access.person(request), _segment(request)
    starts = reverse("tuning-start", args=[slug]) if roles.may(person, "propose a policy", system) else ""
    if system.in_force is None:
        return render(request, "tuning.html", {"system": system, "is_empty": True, "start_url": starts})
    policy = looks.policy_of(system)
    in_force = looks.threshold_of(policy, segment)
    known = current.current(system, segment)
    last = known.past.latest
    standing = looks.standing(last, known=known) if last else None
    shown = _of_certificate(standing) if standing and "now" not in request.GET else None
    explored = None if shown else looks.exploration(system, segment, current=known)
    shown = shown or (_of_exploration(explored) if explored else None)
    may_propose = roles.may(person, "propose a policy", system)
    context = {
        "system": system, "segment": segment, "segments": policy.threshold.segments, "standing": standing,
        "shown": shown, "is_exploration": explored is not None, "may_propose": may_propose,
        "sentence": result.sentence(explored) if explored else standing and standing.sentence,
        "proposable": bool(
            may_propose and standing and not proposing.reason_against(standing, in_force=in_force)
        ),
        "is_empty": shown is None,
        "query": request.GET.urlencode(), "threshold_now": in_force,
        "start_url": starts,
    }  # fmt: skip
    if shown is not None:
        context |= _lab(request, system, known, shown, standing, policy, is_exploration=explored is not None)
    return render(request, "tuning.html", context)


@login_required
@require_safe
def table(request: HttpRequest, slug: str) -> HttpResponse:
    """`/systems/{slug}/tuning/table.csv?of=reliability`: every row behind a figure that the same query shows; `of` is
    thresholds, reliability, confidence, history, cost or segments."""
    system = access.system(request, slug, "see tuning")
    segment, of = _segment(request), request.GET.get("of", "thresholds")
    head, lines = _table(request, system, segment, of)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{slug}-{of}.csv"'
    writer = csv.writer(response)
    writer.writerow(head)
    writer.writerows(lines)
    return response


def _segment(request: HttpRequest) -> str:
    """The segment that is asked about, "" for all outputs. Raises NotFound for a name that no segment can have."""
    said = request.POST.get("segment", request.GET.get("segment", ""))
    if "\0" in said:
        raise NotFound("There is no such segment.")
    return said


def _table(request: HttpRequest, system: System, segment: str, of: str) -> tuning_tables.Table:
    if of == "confidence":
        return tuning_tables.confidence(system, segment)
    if of == "history":
        return tuning_tables.history(system, segment)
    policy, last = (looks.policy_of(system) if system.in_force else None), looks.latest(system, segment)
    if of == "segments" and policy is not None:
        return tuning_tables.segments(system, policy)
    explored = looks.exploration(system, segment) if policy and (last is None or "now" in request.GET) else None
    standing = looks.standing(last) if last and not explored else None
    shown = _of_exploration(explored) if explored else _of_certificate(standing) if standing else None
    if shown is None or policy is None:
        return [], ()
    if of == "reliability":
        return tuning_tables.reliability(shown.reading)
    if of == "cost":
        return tuning_tables.cost(
            shown.reading, _setting(request, crew(system)[0], shown, policy, None, is_exploration=True)
        )
    if of != "thresholds":
        raise NotFound("There is no such table.")
    return tuning_tables.thresholds(
        shown.reading, result.EXPLORATION if explored else f"look {last.look}" if last else "", goal=shown.goal
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def propose(request: HttpRequest, slug: str) -> HttpResponse:
    """`/systems/{slug}/tuning/propose/`: asks, and then takes a look or files the certified threshold."""
    system = access.system(request, slug, "propose a policy")
    segment = _segment(request)
    refusal: Refused | None = None
    if request.method == "POST":
        try:
            return _step(request, system, segment)
        except Refused as refused:
            refusal = refused
    last, policy = looks.latest(system, segment), looks.policy_of(system)
    standing = looks.standing(last) if last else None
    in_force = looks.threshold_of(policy, segment)
    due = last.taken_at + policy.risk.look_every if last else None
    shown = {
        "due": due if due and due > clock.now() else None,
        "system": system, "segment": segment, "standing": standing, "in_force": in_force, "policy": policy,
        "level": MILLION - policy.risk.confidence, "refusal": refusal,
        "because": request.POST.get("because", "")[:2000],
        "against": proposing.reason_against(standing, in_force=in_force) if standing else "No look was taken yet.",
    }  # fmt: skip
    return render(request, "tuning_propose.html", shown, status=refusal.status if refusal else 200)


def _step(request: HttpRequest, system: System, segment: str) -> HttpResponse:
    by = access.actor(request, system)
    if request.POST.get("do") == "look":
        certificate = looks.look(system, by=by, segment=segment)
        messages.success(request, f"Look {certificate.look} is taken; its level is spent.")
        return redirect(reverse("tuning", args=[system.slug]) + (f"?segment={segment}" if segment else ""))
    because = request.POST.get("because", "").strip()[:2000]
    filed = proposing.propose(system, by=by, segment=segment, because=because)
    word = "is proposed" if filed.is_new else "was proposed already"
    messages.success(request, f"Policy {filed.version.number} {word}. Somebody else signs it.")
    return redirect("proposal", slug=system.slug, number=filed.version.number)


def _of_certificate(standing: Standing) -> Shown:
    certificate, window = standing.certificate, standing.document["window"]
    model = " ".join(filter(None, (certificate.model, certificate.model_version, certificate.prompt_version)))
    opens, closes = parse_datetime(window["opens"] or ""), parse_datetime(window["closes"])
    lines = standing.document["released_by_rules"]
    return Shown(
        standing.reading,
        certificate.target / MILLION,
        certificate.delta,
        model,
        opens,
        closes or certificate.taken_at,
        window,
        lines,
    )


def _of_exploration(explored: Exploration) -> Shown:
    scope, sample = explored.scope, explored.sample
    model = " ".join(filter(None, (scope.model, scope.model_version, scope.prompt_version)))
    lines = [vars(line) for line in explored.released_by_rules]
    return Shown(
        explored.reading, explored.goal, explored.level, model, sample.opens, sample.closes, vars(sample), lines
    )


def crew(system: System) -> tuple[int, bool]:
    """How many people review here now, simulated ones not counted, and whether there are such."""
    here = Q(roles__system=system) | Q(roles__system=None)
    reviews = here & Q(is_active=True, is_simulated=False, roles__name__in=("reviewer", "lead"))
    counted = Person.objects.aggregate(
        people=Count("pk", filter=reviews, distinct=True), simulated=Count("pk", filter=Q(is_simulated=True))
    )
    return counted["people"], bool(counted["simulated"])


def _setting(
    request: HttpRequest, people: int, shown: Shown, policy: Policy, certified: int | None, *, is_exploration: bool
) -> Setting:
    return Setting(
        reading=shown.reading, goal=shown.goal, level=shown.level, certified=certified, is_exploration=is_exploration,
        outputs=shown.counts["outputs"], opens=shown.opens, closes=shown.closes,
        audit_rate=policy.audit.rate / MILLION, costs=policy.risk.costs,
        seconds=_whole(request.GET.get("seconds"), SECONDS_A_REVIEW, most=36_000), reviewers=people,
    )  # fmt: skip


def _lab(
    request: HttpRequest, system: System, known: Current, shown: Shown, standing: Standing | None, policy: Policy, *,
    is_exploration: bool,
) -> dict[str, Any]:  # fmt: skip
    read, every = shown.reading, rows(shown.reading, goal=shown.goal)
    certified = standing.certificate.threshold if standing and standing.is_good and not is_exploration else None
    people, has_simulated = crew(system)
    threshold_now = looks.threshold_of(policy, request.GET.get("segment", ""))
    setting = _setting(request, people, shown, policy, certified, is_exploration=is_exploration)
    if not every:
        return {"is_empty": True}
    trial = _trial(request.GET.get("trial"), every, certified or read.threshold or read.starts_at or read.in_force)
    texts = told(every, setting)
    marks: dict[str, Any] = {"goal": shown.goal, "level": shown.level, "certified": certified, "trial": trial}
    drawn = [one for shape in SHAPES if (one := figure(every=every, reading=read, **marks, **shape))]
    costlier = price(every, certified, setting)
    last_share = drawn[0].last_share if drawn else 1.0
    key = {read.in_force, certified, *(step.threshold for step in read.tested[-3:])}
    key |= _round(every, last_share)
    state = standing.state if standing and not is_exploration else "certified" if read.threshold else read.state
    # The next look has less to spend than the one that is shown, so it needs more.
    at_next = standing.document["more_audits_at_next_look"] if standing and not is_exploration else None
    more = at_next or read.more_audits
    below = tuning_beside.beside(request, known, policy, setting, every, more=more)
    planned = below["planned"].plan
    return below | {
        "has_simulated": has_simulated,
        "costlier": costlier, "slug": system.slug, "total": sum(each["period"].outputs for each in below["periods"]),
        "csv": reverse("tuning-table", args=[system.slug]) + "?" + urlencode(_kept(request)),
        "next_step": tuning_next.next_step(
            state, has_newer=certified is not None and certified != threshold_now,
            more=more, costs_more=costlier, days=planned.days if planned else None,
            is_all_reviewed=not any(band.released for band in read.bands),
        ) if not is_exploration else "",
        "figures": drawn, "trial": trial, "now": texts[trial], "seconds": setting.seconds,
        "lines": [
            {"row": row, "texts": json.dumps(texts[row.threshold], ensure_ascii=False), "is_key": row.threshold in key,
             "is_in_force": row.threshold == read.in_force, "is_certified": row.threshold == certified}
            for row in every
        ],
        "has_costs": policy.risk.costs is not None, "shows_all": request.GET.get("rows") == "all",
        "rules": [
            line | {"bound": clopper_pearson_upper(line["wrong"], line["audited"], read.delta)}
            for line in shown.released_by_rules
        ],
    }  # fmt: skip


def _kept(request: HttpRequest) -> dict[str, str]:
    """What of the query says which evidence is shown."""
    return {name: request.GET[name] for name in ("segment", "now", "seconds") if name in request.GET} | {"as": "csv"}


def _round(every: Sequence[Row], last_share: float) -> set[int]:
    """The round thresholds of the figure that release more than the round one before."""
    shares: dict[float, int] = {}
    for row in every:
        if row.threshold % 50_000 == 0 and row.share <= last_share:
            shares.setdefault(row.share, row.threshold)
    return set(shares.values())


def _trial(asked: str | None, every: Sequence[Row], otherwise: int | None) -> int:
    """The row nearest to the threshold that was asked for; what is no number counts as not asked."""
    try:
        wanted = round(float(asked or "") * MILLION)
    except (ValueError, OverflowError):
        wanted = every[0].threshold if otherwise is None else otherwise
    return min((row.threshold for row in every), key=lambda threshold: abs(threshold - wanted))


def _whole(asked: str | None, otherwise: int, *, most: int) -> int:
    return int(asked) if asked and asked.isascii() and asked.isdigit() and 0 < int(asked) <= most else otherwise
