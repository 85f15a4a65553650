"""Certificates computed again from what is stored with them: counts, grid, level, sensitivity, code."""

from __future__ import annotations

import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final
from uuid import UUID

from governance.evidence.leaf import commit
from governance.models import Certificate, Entry, PolicyVersion
from governance.policies.canonical import canonical_bytes
from governance.policies.registry import compiled
from governance.tuning import reading
from governance.tuning.bounds import correct_for_sensitivity, spent_at_look
from governance.tuning.certify import MILLION
from governance.tuning.looks import PROVISIONAL

# How tests are computed has not changed between these; what is counted has. Up to the third, a policy was called
# violated where it was over the target that reviewers' misses leave.
CODES: Final = ("tuning 1", "tuning 2", "tuning 3", "tuning 4")
BY_LEFT: Final = CODES[:3]
CLOSE: Final = 1e-9  # relative: libraries may round a last digit otherwise


@dataclass(frozen=True)
class Disagreement:
    """A certificate that is not what its own evidence says, and in what."""

    certificate: UUID
    system: str
    look: int
    what: str

    def __str__(self) -> str:
        return f"look {self.look} at {self.system} ({self.certificate}): {self.what}"


def certificates() -> list[Disagreement]:
    """Everything that does not agree in any certificate, oldest first; empty when all do.

    A look that died on the way has no document: only its number and its level are checked.
    """
    found: list[Disagreement] = []
    numbers: dict[tuple[UUID, str], list[int]] = defaultdict(list)
    for certificate in Certificate.objects.select_related("system").order_by("id").iterator(chunk_size=100):
        numbers[certificate.system_id, certificate.segment].append(certificate.look)
        if numbers[certificate.system_id, certificate.segment] != list(range(1, certificate.look + 1)):
            found.append(_of(certificate, "looks before it are missing, whose level was spent"))
        found += [_of(certificate, what) for what in _problems(certificate)]
    return found


def count() -> int:
    """How many certificates there are to compute."""
    return Certificate.objects.count()


def _of(certificate: Certificate, what: str) -> Disagreement:
    return Disagreement(certificate.pk, certificate.system.slug, certificate.look, what)


def _problems(certificate: Certificate) -> Iterator[str]:
    entries = list(Entry.objects.filter(subject=certificate.pk).order_by("rev"))
    opened = next((entry for entry in entries if entry.type == "look_opened"), None)
    if opened is None:
        yield "the log has no entry that opened this look"
        return
    yield from _level(certificate, json.loads(bytes(opened.leaf)))
    if certificate.state == "looking":
        return
    measured = next((entry for entry in entries if entry.type == "measured"), None)
    if measured is None:
        yield "the log has no entry of what it found"
        return
    yield from _document(certificate, measured)


def _level(certificate: Certificate, leaf: dict[str, Any]) -> Iterator[str]:
    detail = leaf["detail"]
    if (detail["look"], detail["delta"]) != (certificate.look, repr(certificate.delta)):
        yield "its number or level is not the one that was spent"
    digest = (leaf.get("policy") or {}).get("digest")
    version = PolicyVersion.objects.filter(system=certificate.system_id, digest=digest).first()
    if version is None:
        yield "the policy that it was taken under is not there"
        return
    risk = compiled(version.pk).risk
    allowed = round(spent_at_look(1 - risk.confidence / MILLION, certificate.look), 12)
    if certificate.delta != allowed or certificate.target != risk.target:
        yield f"policy {version.number} gave look {certificate.look} the level {allowed:g} and another target"


def _document(certificate: Certificate, measured: Entry) -> Iterator[str]:
    content = certificate.document.encode()
    leaf = json.loads(bytes(measured.leaf))
    if hashlib.sha256(content).hexdigest() != certificate.digest or leaf["detail"]["digest"] != certificate.digest:
        yield "its document is not the one that the log commits to"
        return
    payload = measured.payloads.filter(name="document").first()
    said = {one["name"]: one["digest"] for one in leaf.get("commitments", ())}.get("document")
    if payload is not None and commit(bytes(payload.salt), "document", content) != said:
        yield "its document does not match its commitment"
    document = json.loads(content)
    if canonical_bytes(document) != content:
        yield "its document is not in canonical form"
    if document["code"] not in CODES:
        yield f"it was computed by {document['code']}, which this program does not know"
        return
    yield from _computed(certificate, document)


def _computed(certificate: Certificate, document: dict[str, Any]) -> Iterator[str]:
    stored = reading.from_json(document["reading"])
    known = document["sensitivity"]
    target, delta = certificate.target / MILLION, certificate.delta
    if "seeded" in known:
        corrected = correct_for_sensitivity(target, delta, found=known["found"], seeded=known["seeded"])
        target, delta = max(corrected.target, 1e-9), corrected.delta
        if not _same(known["lower"], corrected.sensitivity_lower):
            yield "the bound on what reviewers find does not follow from the known answers"
    if not (_same(stored.target, target) and _same(stored.delta, delta)):
        yield "target and level are not those that the reviewers' sensitivity leaves"
    goal = stored.target if document["code"] in BY_LEFT else max(certificate.target / MILLION, stored.target)
    again = reading.read(stored.bands, in_force=stored.in_force, target=stored.target, delta=stored.delta, goal=goal)
    if not _same(asdict(again), asdict(stored)):
        yield "its tests do not come out the same"
    state = "frozen" if document["because"] else again.state
    if state == "certified" and "seeded" not in known:
        state = PROVISIONAL
    threshold = None if document["because"] else again.threshold
    if (certificate.state, certificate.threshold) != (state, threshold):
        yield f"it says {certificate.state} {certificate.threshold}; its counts say {state} {threshold}"


def _same(left: Any, right: Any) -> bool:
    """Whether two values are equal, numbers up to rounding."""
    if isinstance(left, float) and isinstance(right, (int, float)):
        return math.isclose(left, right, rel_tol=CLOSE, abs_tol=1e-12)
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        return len(left) == len(right) and all(_same(a, b) for a, b in zip(left, right, strict=True))
    return bool(left == right)
