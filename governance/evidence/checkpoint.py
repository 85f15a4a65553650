"""The head of the log in C2SP tlog-checkpoint form: origin, size and root, one a line. Pure."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Self

from governance.evidence import merkle


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says of itself: it has `size` entries and this root."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The body that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The checkpoint of a note's text; lines behind the third are extensions. Raises ValueError."""
        lines = text.split("\n")
        if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
            raise ValueError("A checkpoint has an origin, a size and a root, one a line.")
        size = lines[1]
        if not (size.isascii() and size.isdecimal()) or str(int(size)) != size:
            raise ValueError("The size of a checkpoint is a decimal number.")
        try:
            root = base64.b64decode(lines[2], validate=True)
        except binascii.Error as error:
            raise ValueError("The root of a checkpoint is base64.") from error
        if len(root) != merkle.SIZE or base64.b64encode(root).decode() != lines[2]:
            raise ValueError("The root of a checkpoint has 32 bytes.")
        return cls(lines[0], int(size), root)
