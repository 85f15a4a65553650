"""The tables of governance, one family a file."""

from governance.models.bundles import Bundle, BundlePart
from governance.models.checks import Check, CheckPart
from governance.models.drafts import PolicyDraft
from governance.models.evidence import (
    Cosignature,
    Entry,
    HeadSent,
    LogCheckpoint,
    LogHead,
    LogKey,
    LogTile,
    Payload,
    PendingEntry,
    Sealed,
)
from governance.models.examples import Example
from governance.models.halts import Halt
from governance.models.incidents import Incident, Outcome
from governance.models.modelversions import ModelVersion
from governance.models.notices import Letter, Notice
from governance.models.outputs import Output, OutputContent, is_final
from governance.models.people import Absence, ApiKey, Person, Presence, Role, Skill
from governance.models.replays import Replay
from governance.models.systems import Approval, ContractVersion, PolicyVersion, Remark, System
from governance.models.tallies import Tally, TallyBlock
from governance.models.tiers import TierChange, TierSignature
from governance.models.tuning import Certificate, KnownAnswer

__all__ = [
    "Absence",
    "ApiKey",
    "Approval",
    "Bundle",
    "BundlePart",
    "Certificate",
    "Check",
    "CheckPart",
    "ContractVersion",
    "Cosignature",
    "Entry",
    "Example",
    "Halt",
    "HeadSent",
    "Incident",
    "KnownAnswer",
    "Letter",
    "LogCheckpoint",
    "LogHead",
    "LogKey",
    "LogTile",
    "ModelVersion",
    "Notice",
    "Outcome",
    "Output",
    "OutputContent",
    "Payload",
    "PendingEntry",
    "Person",
    "PolicyDraft",
    "PolicyVersion",
    "Presence",
    "Remark",
    "Replay",
    "Role",
    "Sealed",
    "Skill",
    "System",
    "Tally",
    "TallyBlock",
    "TierChange",
    "TierSignature",
    "is_final",
]
