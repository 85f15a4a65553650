"""System files: who owns an AI system, its contract and its policy, in one YAML or JSON text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from governance.contracts.reading import Reading, join
from governance.contracts.schema import Contract, compile_contract
from governance.notices.kinds import EVENTS as NOTICES
from governance.policies import source
from governance.policies.document import TIERS, parse_policy
from governance.policies.policy import Policy
from governance.policies.source import Source
from governance.refusals import Invalid, Problem

VERSION: Final = 1
EVENTS: Final = (
    "output.resolved",
    "output.corrected",
    "decision.superseded",
    "policy.activated",
    "incident.opened",
    *NOTICES,
)


@dataclass(frozen=True, slots=True)
class SystemEntry:
    """The system a file describes. `owner` is a name or an e-mail address, as the file says."""

    slug: str
    name: str
    purpose: str
    risk_tier: str
    owner: str


@dataclass(frozen=True, slots=True)
class WebhookEntry:
    """Where the producer is told, and of what."""

    url: str
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SystemFile:
    system: SystemEntry
    contract_document: dict[str, Any]
    policy_document: dict[str, Any]
    webhooks: tuple[WebhookEntry, ...]
    contract: Contract
    policy: Policy


def read_system_file(text: str, filename: str) -> SystemFile:
    """The system that a text states: JSON when the name ends so or the text starts with a brace, else YAML.

    Raises Invalid with every problem: `pointer` is the path (policy.rules[0].when), `detail` starts with file and line.
    """
    is_json = filename.endswith(".json") or _is_json(text)
    try:
        document = source.read(text.removeprefix("\ufeff"), is_json=is_json)
    except Invalid as error:
        place = error.errors[0]
        line = place.pointer.removeprefix("line ")
        raise _refused((Problem("", place.code, f"{filename}:{line}: {place.detail}"),)) from error
    return _Reader(document, filename).read()


def _is_json(text: str) -> bool:
    # A YAML flow mapping starts with a brace too; only JSON quotes its first key.
    start = text.lstrip("\ufeff \t\r\n")
    return start.startswith("{") and start[1:].lstrip().startswith(('"', "}"))


def _refused(problems: tuple[Problem, ...]) -> Invalid:
    first = problems[0]
    more = f" ({len(problems) - 1} more)" if len(problems) > 1 else ""
    return Invalid(first.detail + more, errors=problems)


class _Reader:
    def __init__(self, document: Source, filename: str) -> None:
        self.document = document
        self.filename = filename
        self.reading = Reading()

    def read(self) -> SystemFile:
        data = self.reading.mapping(
            self.document.data,
            "",
            allowed=("countersign", "system", "contract", "policy", "webhooks"),
            required=("countersign", "system", "contract", "policy"),
        )
        if data.get("countersign", VERSION) != VERSION or isinstance(data.get("countersign"), bool):
            self.reading.wrong("countersign", "unknown-version", f"This program reads version {VERSION}.")
        system = self._system(data.get("system", {}))
        webhooks = self._webhooks(data)
        contract = self._contract(data)
        policy = self._policy(data, contract, system.risk_tier)
        if self.reading.problems or contract is None or policy is None:
            raise _refused(tuple(self._placed(problem) for problem in self.reading.problems))
        return SystemFile(system, contract.document, policy.document, webhooks, contract, policy)

    def _system(self, data: Any) -> SystemEntry:
        keys = ("slug", "name", "purpose", "risk_tier", "owner")
        data = self.reading.mapping(data, "system", allowed=keys, required=keys)
        return SystemEntry(
            self.reading.slug(data, "slug", "system"),
            self.reading.text(data, "name", "system", longest=120),
            self.reading.text(data, "purpose", "system", longest=1000),
            self.reading.choice(data, "risk_tier", "system", among=TIERS, default="high"),
            self.reading.text(data, "owner", "system", longest=254),
        )

    def _contract(self, data: dict[str, Any]) -> Contract | None:
        if "contract" not in data:
            return None
        try:
            return compile_contract(data["contract"])
        except Invalid as error:
            self.reading.problems.extend(error.errors or (Problem("contract", error.code, error.sentence),))
            return None

    def _policy(self, data: dict[str, Any], contract: Contract | None, risk_tier: str) -> Policy | None:
        if "policy" not in data:
            return None
        try:
            return parse_policy(data["policy"], contract=contract, risk_tier=risk_tier)
        except Invalid as error:
            self.reading.problems.extend(error.errors or (Problem("policy", error.code, error.sentence),))
            return None

    def _webhooks(self, data: dict[str, Any]) -> tuple[WebhookEntry, ...]:
        found: list[WebhookEntry] = []
        for index, item in enumerate(self.reading.sequence(data, "webhooks", "", most=20)):
            at = join("webhooks", index)
            part = self.reading.mapping(item, at, allowed=("url", "events"), required=("url", "events"))
            url = self.reading.text(part, "url", at, longest=2000)
            if url and not _is_address(url):
                self.reading.wrong(
                    join(at, "url"), "not-a-url", "This must be an http or https address without a user."
                )
            if url and url in {entry.url for entry in found}:
                self.reading.wrong(join(at, "url"), "duplicate", "This address is listed twice.")
            events = self.reading.sequence(part, "events", at)
            for number, event in enumerate(events):
                if event not in EVENTS or event in events[:number]:
                    place = join(join(at, "events"), number)
                    self.reading.wrong(place, "unknown-choice", f"This must be one of {', '.join(EVENTS)}, once.")
            if "events" in part and not events:
                self.reading.wrong(join(at, "events"), "wrong-length", "At least one event is needed.")
            found.append(WebhookEntry(url, tuple(str(event) for event in events)))
        return tuple(found)

    def _placed(self, problem: Problem) -> Problem:
        line = self.document.line(problem.pointer)
        where = problem.pointer or "the file"
        return Problem(problem.pointer, problem.code, f"{self.filename}:{line}: {where}: {problem.detail}")


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.username and parts.port != 0
    except ValueError:
        return False
