# ruff: noqa: E501  one type a line reads as a table
"""Every type of entry: what it is about, what it says, and which members its `detail` has. Pure.

docs/evidence.md is made from this table, and a test holds the log of a whole journey against it.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Type(NamedTuple):
    """`detail` names the members that entries of the type may have there; `content` what they commit to."""

    about: str
    says: str
    detail: tuple[str, ...] = ()
    content: tuple[str, ...] = ()


def _type(about: str, says: str, detail: str = "", content: str = "") -> Type:
    return Type(about, says, tuple(detail.split()), tuple(content.split()))


TYPES: Final[dict[str, Type]] = {
    # systems and policies
    "system_registered": _type("system", "A system came under governance.", "system risk_tier", "name purpose owner"),
    "system_changed": _type("system", "Its description or risk tier changed.", "system changed risk_tier", "name purpose owner"),
    "tier_asked": _type("tier", "A lower risk tier was asked for.", "system risk_tier"),
    "tier_signed": _type("tier", "Somebody else signed that.", "system role"),
    "tier_declined": _type("tier", "It was refused.", "system role", "comment"),
    "tier_lapsed": _type("tier", "The tier was raised while it waited.", "system"),
    "contract_registered": _type("contract", "A version of a contract was registered.", "system version digest"),
    "proposed": _type("policy", "A policy was proposed.", "contract contract_digest loosens risk_tier breaks", "because despite"),
    "approved": _type("policy", "Somebody else signed exactly that text.", "role terms replay", "comment"),
    "declined": _type("policy", "It was refused for good.", "role terms replay", "comment"),
    "activated": _type("policy", "It was put in force.", "replaces risk_tier retimes", "because"),
    "bootstrapped": _type("policy", "A system's first policy, in force before it was signed.", "replaces risk_tier retimes", "because"),
    "restored": _type("policy", "An earlier approved version is in force again.", "replaces risk_tier retimes", "because"),
    "revised": _type("policy", "Its proposer put another text in its place."),
    "replay_attached": _type("policy", "A replay was put beside the proposal.", "replay"),
    "scheduled": _type("policy", "It is to be put in force by itself.", "activate_at"),
    "schedule_refused": _type("policy", "It could not be put in force by itself.", "why"),
    "shadow_set": _type("policy", "It is compared with the one in force on all that arrives.", "share beside"),
    "canary_set": _type("policy", "It judges a share of what arrives.", "share beside"),
    "trial_ended": _type("policy", "Its trial ended for good.", "was share", "because"),
    "retired": _type("policy", "Another version took its place."),
    "remarked": _type("remark", "Somebody wrote a remark on a proposal.", "policy version", "text"),
    "replayed": _type("replay", "A text was tried on recorded outputs.", "policy base digest outputs"),
    "halted": _type("system", "Releases were stopped.", "halt", "because"),
    "lifted": _type("system", "The stop was lifted.", "halt", "because"),
    "example_pinned": _type("example", "An output was kept as an example of what every policy must do.",
                            "output expected", "note"),
    "example_dropped": _type("example", "It is no example any more.", "output expected"),
    "model_seen": _type("model", "Outputs of a model, version or prompt came for the first time.",
                        "system model model_version prompt_version"),
    "model_admitted": _type("model", "Somebody let it in, although the policy in force was not validated for it.",
                            "system model model_version prompt_version", "because"),
    "model_barred": _type("model", "It is not let in any more.", "system model model_version prompt_version", "because"),
    # outputs and what people did about them
    "judged": _type("output", "An output arrived and the policy said what becomes of it (`gate`).", "sent_by",
                    "input output context gate_inputs"),
    "routed": _type("item", "It was given to a queue.", "output queue rule priority reviewers skills due_at blind round"),
    "assigned": _type("seat", "It was given to a person.", "item to from load alike"),
    "retimed": _type("item", "A new policy moved its due time.", "from due_at next_step_at"),
    "reminded": _type("item", "It was late, and whoever has it was reminded.", "step due_at queue"),
    "raised": _type("item", "It was late, and came to the front.", "step due_at queue from to"),
    "escalated": _type("item", "It went up.", "seat from to for_lead step due_at queue", "reason"),
    "moved": _type("item", "It came to another queue.", "from to"),
    "claimed": _type("seat", "A person had it in hand.", "item output round seat until"),
    "claim_released": _type("seat", "She gave it back.", "item seat", "reason"),
    "skipped": _type("seat", "She passed it on.", "item seat", "reason"),
    "held": _type("seat", "She put it off.", "item seat until", "reason"),
    "handed_over": _type("seat", "She gave it to a colleague.", "item seat to", "note"),
    "asked": _type("item", "She asked a colleague about it.", "to", "note"),
    "answered": _type("item", "The colleague answered.", "to", "note"),
    "decided": _type("output", "A person decided (`decision`).", "decision item", "output comment"),
    "undone": _type("output", "She took it back in time.", "decision item seat round"),
    "superseded": _type("output", "A later decision took the place of an earlier one (`decision`).", "decision item",
                        "output comment"),
    "corrected": _type("output", "A released output was found wrong.", "decision"),
    "resolved": _type("output", "It ended by the fallback of the policy: nobody's judgement (`decision`).",
                      "item step due_at as status refused"),
    "delivered": _type("delivery", "The producer was told.", "event endpoint output attempts answer"),
    "delivery_failed": _type("delivery", "The producer could not be told.", "event endpoint output attempts answer"),
    "delivery_cancelled": _type("delivery", "There was nothing to tell any more.", "event endpoint output attempts answer"),
    "delivery_replayed": _type("delivery", "It was sent once more by hand.", "event endpoint output attempts answer"),
    "outcome": _type("outcome", "The truth was learnt from outside.", "output correct observed_at", "source output"),
    "known_answer_seeded": _type("known_answer", "A confirmed error came back as a test of reviewers.",
                                 "output item original prompted_by"),
    "known_answer_renamed": _type("known_answer", "Its disguise changed.", "output"),
    # measuring
    "look_opened": _type("certificate", "A look at the evidence began; its level is spent.", "look delta target segment"),
    "measured": _type("certificate", "What the look found.",
                      "look state target delta threshold digest outputs labels segment", "document"),
    "incident_opened": _type("incident", "Something went wrong, and somebody has to look.", "kind output", "title"),
    "incident_contained": _type("incident", "What was done at once.", "", "containment"),
    "incident_closed": _type("incident", "Cause and remedy are known.", "remedy again", "cause reason"),
    # people, keys, queues, webhooks
    "person_created": _type("person", "An account was made.", "simulated", "email name"),
    "person_deactivated": _type("person", "An account ended."),
    "password_set": _type("person", "A password was set."),
    "factor_added": _type("person", "A second factor was set up.", "factor"),
    "factor_removed": _type("person", "The second factor and its recovery codes were taken away.", "factor"),
    "recovery_codes_made": _type("person", "New recovery codes took the place of those before."),
    "recovery_code_used": _type("person", "A recovery code stood in for the second factor.", "left"),
    "signed_in": _type("person", "Somebody with a role that asks for a second factor signed in (`actor.auth` says how)."),
    "keys_chosen": _type("person", "She chose her keys of the workbench.", "keys single"),
    "mails_chosen": _type("person", "She chose what she is told of by e-mail.", "unwanted"),
    "role_granted": _type("person", "A role was given.", "role system"),
    "role_revoked": _type("person", "A role was taken away.", "role system"),
    "skill_granted": _type("person", "A skill was vouched for.", "skill system expires_at"),
    "skill_revoked": _type("person", "A skill was taken away.", "skill system"),
    "hours_set": _type("person", "Her working hours changed.", "zone hours"),
    "paused": _type("person", "She takes no items for now."),
    "resumed": _type("person", "She takes items again."),
    "time_off_planned": _type("person", "She will be away.", "absence from until"),
    "time_off_taken_back": _type("person", "She will not be away.", "absence"),
    "measures_shown": _type("person", "She showed her leads her measures as they are."),
    "key_created": _type("key", "An API key was made.", "scopes person system", "name"),
    "key_revoked": _type("key", "An API key ended."),
    "queue_paused": _type("queue", "A queue gives nothing out.", "queue"),
    "queue_resumed": _type("queue", "It does again.", "queue"),
    "queue_closed": _type("queue", "A queue ended; its items moved.", "queue to items"),
    "queue_reopened": _type("queue", "It is open again.", "queue"),
    "capacity_set": _type("queue", "How much one person is given at most.", "queue person most"),
    "endpoint_created": _type("endpoint", "A webhook was set up.", "events", "url"),
    "endpoint_changed": _type("endpoint", "It changed.", "events enabled", "url"),
    "endpoint_disabled": _type("endpoint", "It was switched off.", "", "because"),
    "endpoint_removed": _type("endpoint", "It was removed."),
    "endpoint_tested": _type("endpoint", "It was tested."),
    "secret_rotated": _type("endpoint", "Its secret was changed."),
    # the log itself
    "log_keys": _type("log", "Which keys sign the log.", "keys added retired"),
    "head_published": _type("head", "The day's signed head went out to those who keep it.", "size way"),
    "exported": _type("log or bundle", "Evidence was taken away, or a bundle of it written to be taken.",
                      "kind size entries payloads from to system sha256 asked_by"),
    "bundle_asked": _type("bundle", "Somebody asked for a bundle on the page.", "payloads system subjects from to", "about"),
    "bundle_taken": _type("bundle", "Its file was downloaded.", "sha256 bytes"),
    "decisions_exported": _type("export", "Somebody began to take decisions away.", "format columns filters", "filters"),
    "decisions_export_ended": _type("export", "How much was taken; `complete` false: it broke off.", "rows bytes sha256 complete"),
    "checked": _type("check", "The log, a part of it or a bundle was verified on the page.", "kind from to size sha256 findings refused asked_by"),
    "erased": _type("output or person", "Content was erased.", "erased why", "because"),
}  # fmt: skip


def as_table() -> str:
    """The table for docs/evidence.md, in Markdown."""
    rows = [
        f"| `{name}` | {type.about} | {type.says} | {_code(type.detail)} | {_code(type.content)} |"
        for name, type in TYPES.items()
    ]
    return "\n".join(["| type | about | says | `detail` | commits to |", "|---|---|---|---|---|", *rows])


def _code(names: tuple[str, ...]) -> str:
    return " ".join(f"`{name}`" for name in names)
