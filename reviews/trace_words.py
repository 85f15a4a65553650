"""The sentences of the causal trace, one for each kind of step. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from governance.models import Output
    from reviews.models import Delivery
    from reviews.trace import Who

Facts = Mapping[str, Any]

GROUPS: Final[dict[str, frozenset[str]]] = {
    "policy": frozenset(
        {"proposed", "replay_attached", "approved", "declined", "scheduled", "schedule_refused", "shadow_set",
         "canary_set", "trial_ended", "activated", "bootstrapped", "restored"}
    ),
    "routing": frozenset({"routed", "escalated", "assigned", "reminded", "raised", "retimed", "moved"}),
    "claims": frozenset({"claimed", "claim_released", "skipped", "held", "handed_over", "asked", "answered"}),
    "decisions": frozenset({"decided", "undone", "superseded", "corrected", "resolved"}),
    "deliveries": frozenset(
        {"delivered", "delivery_failed", "delivery_cancelled", "delivery_replayed", "telling"}
    ),
}  # fmt: skip
_VERDICTS: Final = {"approve": "approves it", "override": "overrides it", "reject": "rejects it"}
_AGAINST: Final = {
    "no-policy": "no policy was in force when it arrived", "halted": "releases are halted",
    "high-risk": "the system is of high risk", "breached": "it breaks its contract",
    "judging-error": "it could not be judged", "unapproved-policy": "its policy was not approved",
    "unknown-model": "its policy was not validated for its model",
    "held-audit": "it is held for an audit", "second-review": "it takes two people",
}  # fmt: skip
# What an erasure names, in words and in the order in which it is told.
_CONTENTS: Final = {
    "input": "what the AI was given", "output": "what it said", "context": "its alternatives and its explanation",
    "gate_inputs": "the values that rules read", "comment": "comments", "reason": "reasons", "note": "notes",
    "title": "the words of its incident", "source": "where an outcome came from",
}  # fmt: skip
_LANES: Final = {
    "release": "It goes out at once.",
    "review": "A person decides.",
    "block": "Nothing goes out.",
}


def sentence(kind: str, who: Who, facts: Facts) -> str:
    """What a step says. A kind that is not known here is said by its name, so that no step is ever left out."""
    write = _SENTENCES.get(kind)
    return write(_name(who), facts) if write else f"{_name(who)}: {kind.replace('_', ' ')}."


def arrived(output: Output) -> str:
    """The arrival, with the confidence that the AI stated."""
    model = f"{output.model} {output.model_version}".strip() or "a model"
    if output.confidence is None:
        return f"{output.external_id} arrives from {model}, with no confidence that can be trusted."
    return f"{output.external_id} arrives from {model}, {output.confidence / 10_000:g} % confident."


def contract(output: Output) -> str:
    """Whether the output keeps its contract."""
    if output.contract_version is None:
        return "There is no contract to keep."
    return f"It {'breaks' if output.is_breached else 'keeps'} contract {output.contract_version}."


def telling(delivery: Delivery) -> str:
    """A message to the producer that has not arrived yet."""
    if delivery.attempts:
        return f"The producer is being told ({delivery.event}); {delivery.attempts} attempts have failed."
    return f"The producer is to be told ({delivery.event})."


def _name(who: Who) -> str:
    if who.kind == "policy":
        return "The policy"
    return who.name or "A person"


def _judged(name: str, facts: Facts) -> str:
    drawn = " It is also drawn at random for a blind audit." if facts.get("audit") else ""
    return f"{facts['because']} {_LANES[facts['lane']]}{drawn}"


def _routed(name: str, facts: Facts) -> str:
    return facts.get("says") or f"It goes to {facts['queue']}."


def _decided(name: str, facts: Facts) -> str:
    blind = ", without having seen the AI's answer" if facts.get("blind") else ""
    reasons = f" ({', '.join(facts['reasons'])})" if facts.get("reasons") else ""
    return f"{name} {_VERDICTS[facts['verdict']]}{reasons}{blind}."


def _superseded(name: str, facts: Facts) -> str:
    return f"{name} puts another decision in its place and {_VERDICTS[facts['verdict']]}."


def _escalated(name: str, facts: Facts) -> str:
    to = "the leads" if facts.get("for_lead") else facts.get("to", "somebody above")
    return f"It is late, so it goes up to {to}." if "step" in facts else f"{name} hands it to {to}."


def _resolved(name: str, facts: Facts) -> str:
    ended = "goes out" if facts.get("status") == "released" else "is rejected"
    against = _AGAINST.get(facts.get("refused", ""))
    why = f" The policy lets late answers go out, but not this one: {against}." if against else ""
    return f"Nobody decided in time, so it {ended}.{why}"


def _retimed(name: str, facts: Facts) -> str:
    if facts.get("from") == facts.get("due_at"):
        return "A policy put in force changes what happens when it is late."
    return f"A policy put in force changes when it is due, from {_moment(facts['from'])} to {_moment(facts['due_at'])}."


def _assigned(name: str, facts: Facts) -> str:
    to = facts.get("to_name") or "a person"
    if facts.get("alike"):
        return f"{name} gives it to {to}, who has had cases like it."
    if name == "router":
        return (
            f"The router gives it to {to}: of those who may, nobody has less in hand ({facts['load']} with this one)."
        )
    return f"{name} gives it to {to}."


def _erased(name: str, facts: Facts) -> str:
    names = {name for part in facts["erased"] for name in part["names"]}
    gone = [words for each, words in _CONTENTS.items() if each in names] or ["what was left of it"]
    what = gone[0] if len(gone) == 1 else f"{', '.join(gone[:-1])} and {gone[-1]}"
    if facts.get("why") == "retention":
        return f"It was kept as long as the policy says; now {what} {'is' if len(gone) == 1 else 'are'} erased."
    return f"{name} erases {what}. The proof of what happened stays."


def _moment(text: str) -> str:
    return f"{text[:10]} {text[11:16]} UTC"


def _signed(verb: str) -> Callable[[str, Facts], str]:
    return lambda name, facts: f"{name} {verb} the policy{' as ' + facts['role'] if facts.get('role') else ''}."


def _because(verb: str) -> Callable[[str, Facts], str]:
    return lambda name, facts: f"{name} {verb}{': ' + facts['because'] if facts.get('because') else '.'}"


def _with_reason(verb: str) -> Callable[[str, Facts], str]:
    return lambda name, facts: f"{name} {verb}{': ' + facts['reason'] if facts.get('reason') else '.'}"


def _told(said: str) -> Callable[[str, Facts], str]:
    return lambda name, facts: f"{said} ({facts['event']}, attempt {facts['attempts']})."


_SENTENCES: Final[dict[str, Callable[[str, Facts], str]]] = {
    "proposed": _because("proposes the policy"),
    "approved": _signed("approves"),
    "declined": _signed("declines"),
    "replay_attached": lambda name, facts: f"{name} shows what the policy would have done to the outputs on record.",
    "scheduled": lambda name, facts: f"{name} sets the hour at which the policy is to begin.",
    "schedule_refused": lambda name, facts: f"The policy does not begin on its hour: {facts.get('why', '')}",
    "shadow_set": lambda name, facts: f"{name} lets the policy run in the shadow of policy {facts['beside']}.",
    "canary_set": lambda name, facts: (
        f"{name} lets the policy judge {facts['share'] / 10_000:g} % of the outputs beside policy {facts['beside']}."
    ),
    "trial_ended": _because("ends the trial of the policy"),
    "activated": _because("puts the policy in force"),
    "bootstrapped": _because("puts the first policy in force, unapproved"),
    "restored": _because("puts the policy back in force"),
    "judged": _judged,
    "routed": _routed,
    "escalated": _escalated,
    "reminded": lambda name, facts: "It is late: whoever has it and the leads are reminded.",
    "raised": lambda name, facts: "It is late, so it comes to the front of its queue.",
    "retimed": _retimed,
    "assigned": _assigned,
    "moved": lambda name, facts: f"{name} moves it from {facts['from']} to {facts['to']}.",
    "resolved": _resolved,
    "claimed": lambda name, facts: f"{name} takes it in hand.",
    "claim_released": lambda name, facts: f"{name} gives it back.",
    "skipped": _with_reason("passes it on"),
    "held": _with_reason("puts it off"),
    "handed_over": lambda name, facts: f"{name} hands it over to {facts.get('to_name') or 'a colleague'}.",
    "asked": lambda name, facts: f"{name} asks {facts.get('to_name') or 'a colleague'} about it.",
    "answered": lambda name, facts: f"{name} answers {facts.get('to_name') or 'a colleague'}.",
    "decided": _decided,
    "undone": lambda name, facts: f"{name} takes the decision back.",
    "superseded": _superseded,
    "erased": _erased,
    "corrected": lambda name, facts: "What went out was wrong; the correction is kept beside it.",
    "outcome": lambda name, facts: (
        f"The truth is learnt{' from ' + facts['source'] if facts.get('source') else ''}: the answer was "
        f"{'right' if facts.get('correct') else 'wrong'}."
    ),
    "delivered": _told("The producer is told"),
    "delivery_failed": _told("The producer could not be told"),
    "delivery_cancelled": lambda name, facts: f"The producer is not told ({facts['event']}).",
    "delivery_replayed": lambda name, facts: f"{name} has the producer told again ({facts['event']}).",
}
