"""Answers as JSON: times in RFC 3339 with a Z, ids and decimals as text."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from rest_framework.renderers import BaseRenderer


def _other(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)


_encode = msgspec.json.Encoder(enc_hook=_other).encode


def encode(value: Any) -> bytes:
    """The JSON of `value` in UTF-8, compact, members in their order."""
    return _encode(value)


def moment(time: datetime | None) -> datetime | None:
    """The moment in UTC, which is written with a Z."""
    return None if time is None else time.astimezone(UTC)


class JSONRenderer(BaseRenderer):
    """`application/json`."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"" if data is None else encode(data)
