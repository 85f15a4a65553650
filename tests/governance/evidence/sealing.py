"""Sealing in tests: by the real verb, with a key of the test's own."""

from pathlib import Path

from django.conf import settings

from governance.evidence import seal
from governance.evidence.note import Signer
from governance.models import Entry, Sealed


class Sealer:
    """A sealer with its key and its memory, as one process would have them."""

    def __init__(self, folder: Path, *, signers: list[Signer] | None = None) -> None:
        self.origin = settings.EVIDENCE_ORIGIN
        self.signers = signers or [Signer.make(self.origin)]
        self.memory = seal.Memory(folder / "head", self.origin)

    @property
    def keys(self):
        return [signer.key for signer in self.signers]

    def once(self, limit: int = seal.BATCH) -> seal.Sealing | None:
        seal.acknowledge(self.signers, self.origin)
        return seal.seal(self.signers, self.memory, limit=limit)

    def all(self, limit: int = seal.BATCH) -> int:
        """Seals all that waits; how many entries that were."""
        count = 0
        while sealing := self.once(limit):
            count += sealing.count
        return count


def put_in_place(entry: Entry) -> int:
    """Gives one entry a place and no more: for pages that only ask whether it has one. The index."""
    index = Sealed.objects.count()
    Sealed.objects.create(index=index, entry=entry, key=Sealed.key_of(bytes(entry.leaf_hash)))
    return index
