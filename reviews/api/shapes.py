"""What reviews' doors take and answer, for the API's own description."""

from typing import Final

from drf_spectacular.utils import OpenApiParameter, OpenApiTypes

from governance.api.docs import (
    ANYTHING,
    ID,
    MAYBE_TEXT,
    MAYBE_TIME,
    TEXT,
    TIME,
    WHOLE,
    YES_NO,
    Schema,
    list_of,
    of,
    page_of,
)  # fmt: skip
from governance.models.outputs import STATUSES
from reviews.models import Decision, Endpoint

SHARE: Final[Schema] = {"type": ["number", "null"], "minimum": 0, "maximum": 1}
OBJECT: Final[Schema] = {"type": "object"}
MAYBE_OBJECT: Final[Schema] = {"type": ["object", "null"]}
STATUS: Final[Schema] = {"enum": list(STATUSES)}
VERDICT: Final[Schema] = {"enum": list(Decision.VERDICTS)}
CODES: Final[Schema] = list_of(TEXT)
MAYBE_CODES: Final[Schema] = {"type": ["array", "null"], "items": TEXT}

OUTPUT_SENT: Final = of(
    {
        "system": TEXT, "external_id": TEXT, "input": ANYTHING, "output": ANYTHING,
        "confidence": {"description": "From 0 to 1. Missing or anything else: a person decides."},
        "model": TEXT, "model_version": TEXT, "prompt_version": MAYBE_TEXT,
        "alternatives": list_of(of({"output": ANYTHING, "confidence": SHARE}, optional=("confidence",))),
        "explanation": ANYTHING, "attributes": OBJECT, "callback_url": MAYBE_TEXT,
    },
    optional=("confidence", "model", "model_version", "prompt_version", "alternatives", "explanation", "attributes",
              "callback_url"),
)  # fmt: skip
OUTPUT: Final[Schema] = {
    "type": "object",
    "properties": {
        "id": ID, "external_id": TEXT, "status": STATUS,
        "verdict": {**OBJECT, "description": "lane, rule, because, threshold, policy, propensity, audit, trace"},
        "review": {
            **MAYBE_OBJECT,
            "description": "id, queue, due_at, position (from 1,000 on a floor), expected_wait (p50, p90; seconds)",
        },
        "resolution": {**MAYBE_OBJECT, "description": "status, output (what may be acted on), by, at, decision; "
                       "receipt: of the entry that resolved it, as below"},
        "receipt": {
            **of({"entry": ID, "leaf_hash": TEXT, "proof": MAYBE_TEXT}),
            "description": "The entry of the verdict in the log: its hash at once; `proof` (C2SP tlog-proof) once "
            "it is sealed, in GET and in webhooks. `verify.py receipt` checks it.",
        },
        "links": OBJECT,
    },
    "required": ["id", "external_id", "status"],
}  # fmt: skip
OUTPUTS: Final = page_of(OUTPUT)
LINE: Final[Schema] = {
    "type": "object", "description": "One line of NDJSON for each line sent, in their order.",
    "properties": {"line": WHOLE, "status": WHOLE, "output": OUTPUT, "problem": OBJECT}, "required": ["line", "status"],
}  # fmt: skip
TRACE: Final = OBJECT

CLAIM: Final = of({"token": ID, "expires_at": TIME, "soft": YES_NO}, optional=("soft",))
CARD: Final[Schema] = {
    "type": "object", "properties": {"item": OBJECT, "claim": CLAIM}, "required": ["item", "claim"],
}  # fmt: skip
TOKEN: Final = of({"claim_token": ID})
TOKEN_AND_REASON: Final = of({"claim_token": ID, "reason": TEXT}, optional=("reason",))
HOLD: Final = of({"claim_token": ID, "until": TIME, "reason": TEXT}, optional=("reason",))
DECISION_SENT: Final = of(
    {
        "claim_token": ID,
        "verdict": VERDICT,
        "output": ANYTHING,
        "reasons": MAYBE_CODES,
        "comment": MAYBE_TEXT,
        "took_ms": WHOLE,
    },
    optional=("verdict", "output", "reasons", "comment", "took_ms"),
)
SUPERSEDING: Final = of(
    {"verdict": VERDICT, "output": ANYTHING, "reasons": MAYBE_CODES, "comment": MAYBE_TEXT},
    optional=("output", "reasons", "comment"),
)
DECIDED: Final[Schema] = {
    "type": "object", "properties": {"decision": ID, "item": OBJECT, "final_at": TIME}, "required": ["decision"],
}  # fmt: skip
DECISIONS: Final = page_of(OBJECT)
FORMATS: Final = ("application/json", "application/x-ndjson", "text/csv", "application/vnd.apache.parquet")
FORMAT: Final = OpenApiParameter("format", OpenApiTypes.STR, enum=("json", "jsonl", "csv", "parquet"))

WEBHOOK: Final[Schema] = {
    "type": "object",
    "properties": {
        "id": ID, "system": TEXT, "url": TEXT, "events": list_of({"enum": list(Endpoint.EVENTS)}),
        "disabled_at": MAYBE_TIME,
    },
    "required": ["id", "url", "events"],
}  # fmt: skip
WEBHOOKS: Final = page_of(WEBHOOK)
WEBHOOK_SENT: Final = of({"system": TEXT, "url": TEXT, "events": CODES}, optional=("system",))
WEBHOOK_CHANGED: Final = of(
    {"url": TEXT, "events": CODES, "enabled": YES_NO}, optional=("url", "events", "enabled")
)  # fmt: skip


def asked(*names: str) -> tuple[OpenApiParameter, ...]:
    """Query parameters that are text and may be left out."""
    return tuple(OpenApiParameter(name, OpenApiTypes.STR) for name in names)
