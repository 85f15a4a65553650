"""Who outside holds a head of this log: the witnesses that have signed one, and those that are named but have not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from governance.evidence.note import Key
from governance.evidence.witness import Witness
from governance.models import Cosignature


@dataclass(frozen=True, slots=True)
class Holder:
    """A witness: its name and key id, the largest head it has signed (None: none yet) and when."""

    name: str
    key: str
    size: int | None
    at: datetime | None


def holders(named: Iterable[str]) -> list[Holder]:
    """Every witness that has signed a head, by the size it signed, then those of `named` (`URL KEY`) that have not."""
    newest = Cosignature.objects.order_by("witness", "-checkpoint").distinct("witness")
    signed = {each.witness: Holder(*_name(each.witness), each.checkpoint_id, each.at) for each in newest}
    found = sorted(signed.values(), key=lambda one: -(one.size or 0))
    keys = [str(Witness.parse(text).key) for text in named]
    return [*found, *(Holder(*_name(key), None, None) for key in keys if key not in signed)]


def _name(text: str) -> tuple[str, str]:
    key = Key.parse(text)
    return key.name, key.id.hex()
