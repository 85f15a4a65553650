# ruff: noqa: E501  one requirement a line reads as a table
"""What laws and standards ask, beside what this installation records about it. Pure.

The words of the requirements are ours and short; they are a map, not the law. Nothing here says that anybody complies: it
names the kinds of entries in which something can be found, and the counts come from the log.
"""

from __future__ import annotations

import json
from typing import Final, NamedTuple

NOTE: Final = (
    "This lists what is recorded and where. It does not say that a requirement is met: whether one applies, and whether what "
    "is recorded suffices for it, is for a person to judge who has read the legal text in its current form."
)
DATES: Final = (
    "Regulation (EU) 2024/1689 (the AI Act), as changed by Regulation (EU) 2026/1744: its duties for high-risk systems apply "
    "from 2 December 2027 (systems of Annex III) and from 2 August 2028 (systems in products of Annex I). A person has to check "
    "dates and wording in the Official Journal before relying on them."
)


class Requirement(NamedTuple):
    """One place in a law or standard: what it asks, in a line of ours; what is recorded here about that; the types of
    entries in which it is found; and what it leaves to others ("" when the line above says it)."""

    framework: str
    reference: str
    asks: str
    recorded: str
    types: tuple[str, ...]
    leaves: str = ""


def _of(framework: str, *lines: tuple[str, str, str, str, str]) -> tuple[Requirement, ...]:
    return tuple(
        Requirement(framework, reference, asks, recorded, tuple(types.split()), leaves)
        for reference, asks, recorded, types, leaves in lines
    )


AI_ACT: Final = "EU AI Act"
REQUIREMENTS: Final[tuple[Requirement, ...]] = (
    *_of(
        AI_ACT,
        ("Article 9", "A risk management system over the whole life of a high-risk system", "The risk target and the cost of an error in each policy, every look at the measured error with its bound, incidents and what was done", "proposed measured incident_opened incident_closed trial_ended", "Identifying the risks, and those that no error rate shows"),
        ("Article 12", "Automatic recording of events, to trace how a system worked", "Each verdict with model, version, rule, threshold and the values read; each claim, decision and delivery; sealed in order", "judged routed claimed decided delivered", "What the model did inside; what was never sent here"),
        ("Article 13", "Information by which deployers can interpret an output", "Contracts with their versions; the confidence and the rule behind each answer, told to the producer and on a page a person can read", "contract_registered judged delivered", "The instructions for use of the AI system itself"),
        ("Article 14", "Human oversight: people can understand, override and stop", "Who decided what, who overrode, blind answers, stops and their lifting, second reviews", "decided superseded undone halted lifted escalated", "Whether people have the time and the training to oversee"),
        ("Article 15", "Accuracy, robustness and cybersecurity", "Audits drawn at random, the certified bound on wrong releases, broken contracts, outcomes learnt later", "measured outcome corrected known_answer_seeded", "Tests before use, and attacks on the model"),
        ("Article 17", "A quality management system with written procedures", "Each policy as a document with its digest, its author, its approvers, its replay; changes of roles", "proposed approved declined activated restored role_granted role_revoked", "The procedures outside this program"),
        ("Article 19", "Logs are kept, for six months at least", "The log only grows; heads are signed; exports and erasures are entries", "log_keys exported bundle_taken erased checked", "Backups, and how long the database is kept"),
        ("Article 26", "Deployers use as instructed, assign oversight to competent people, watch, keep logs", "Roles and skills with who vouched for them, working hours, service levels missed, incidents", "role_granted skill_granted skill_revoked reminded escalated resolved incident_opened", "Informing workers and people affected"),
        ("Article 72", "Monitoring after the system is on the market", "Looks at the evidence on a schedule, alarms of audits, outcomes, trials of policies beside the one in force", "look_opened measured outcome shadow_set canary_set", "The plan, and data from outside this program"),
        ("Article 73", "Serious incidents are reported", "When an incident was opened, contained and closed, its cause and the policy that prevents it", "incident_opened incident_contained incident_closed", "Deciding that one is serious, and the report to the authority"),
    ),
    *_of(
        "NIST AI RMF 1.0",
        ("GOVERN 1, 2", "Policies, roles and accountability are in place", "Policies and their signatures; roles given and taken", "proposed approved activated role_granted role_revoked person_created person_deactivated", ""),
        ("MAP 2, 3", "The context, tasks and limits of the system are known", "Systems with purpose, risk tier and owner; contracts", "system_registered system_changed contract_registered", "Context beyond what the system file says"),
        ("MEASURE 2, 3", "The system is measured, and the measures are tracked", "Certificates with their counts, replays of policies, outcomes, what reviewers miss", "measured replayed outcome known_answer_seeded", "Measures other than the error of what went out"),
        ("MANAGE 1, 2, 4", "Risks are answered, systems can be stopped, incidents are followed", "Stops, restored policies, incidents, corrections", "halted lifted restored incident_opened incident_closed corrected", ""),
    ),
    *_of(
        "ISO/IEC 42001, Annex A",
        ("A.3", "Roles and responsibilities, reporting of concerns", "Roles, and incidents opened by people", "role_granted role_revoked incident_opened", ""),
        ("A.5", "Impacts on people are assessed", "The risk tier of each system and each change of it", "system_registered system_changed", "The assessment itself"),
        ("A.6", "The life cycle of the system is governed, event logs included", "Policy changes from proposal to force, trials, verdicts", "proposed replay_attached approved activated canary_set judged", "Design and training of the model"),
        ("A.7", "Data for the system are managed", "Contracts of inputs and outputs; erasures", "contract_registered erased", "Training data"),
        ("A.8", "Interested parties are informed", "Answers and corrections told to producers", "delivered delivery_failed corrected", "What producers tell the people affected"),
        ("A.9", "The system is used responsibly, under human oversight", "Decisions, overrides, service levels", "decided superseded escalated resolved", ""),
        ("A.10", "Third parties and customers", "Keys and webhooks: who sends, who is told", "key_created key_revoked endpoint_created endpoint_changed", "Contracts with suppliers"),
    ),
    *_of(
        "GDPR",
        ("Article 22", "No decision by machine alone with legal or similar effect, without safeguards; a person can be asked", "Which answers went out alone and by which rule, which a person decided, which were changed afterwards", "judged decided superseded corrected", "Whether a decision has such an effect, and hearing the person affected"),
    ),
    *_of(
        "SOC 2, common criteria",
        ("CC6", "Access is given, changed and taken away under control", "Accounts, roles, keys, skills", "person_created person_deactivated role_granted role_revoked key_created key_revoked", "Access to hosts and to the database"),
        ("CC7", "Anomalies are found and incidents answered", "Alarms, incidents, checks of the log", "incident_opened incident_contained incident_closed checked", "Monitoring of hosts and networks"),
        ("CC8", "Changes are authorised, tested and approved", "Each policy: author, replay, approvers other than the author, when it came into force", "proposed replay_attached approved declined activated restored", "Changes of this program itself"),
        ("PI1", "Processing is complete and accurate", "Each output with one verdict and one resolution in force; every message to a producer", "judged decided resolved delivered delivery_failed", ""),
    ),
)  # fmt: skip


def as_json() -> bytes:
    """`controls.json` of a bundle: the map. How many entries there are of each type, and the place of the newest, stands
    in the manifest, where the verifier counts it again."""
    told = {
        "format": "countersign-controls@1", "note": NOTE, "dates": DATES, "counts": "types, in manifest.json",
        "requirements": [
            {"framework": each.framework, "reference": each.reference, "asks": each.asks, "recorded": each.recorded,
             "types": list(each.types), "leaves_to_others": each.leaves}
            for each in REQUIREMENTS
        ],
    }  # fmt: skip
    return json.dumps(told, indent=1, ensure_ascii=False).encode()
