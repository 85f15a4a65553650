"""What the tests of intake send."""

import json
from typing import Any

from reviews import intake


def document(external_id: str = "one", **parts: Any) -> dict[str, Any]:
    """A body as data; parts replace members."""
    return {
        "system": "digits",
        "external_id": external_id,
        "input": {"email": "kim@example.org"},
        "output": {"digit": 7},
        "confidence": 0.95,
        "model": "digits-lr",
        "model_version": "3.1",
    } | parts


def raw(external_id: str = "one", **parts: Any) -> bytes:
    return json.dumps(document(external_id, **parts)).encode()


def body(external_id: str = "one", **parts: Any) -> intake.Body:
    return intake.read(raw(external_id, **parts))
