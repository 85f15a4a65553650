"""What the product says no with: one sentence a person understands, a stable code for machines, and where it is wrong.

Pure: it knows no framework. One place per door turns a refusal into HTTP or into a line on the terminal.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `pointer` says where: a JSON pointer in a body, a path such as `policy.rules[0].when` in
    a document. `code` is stable and lower case; `detail` is a sentence that repeats no payload."""

    pointer: str
    code: str
    detail: str

    def as_dict(self) -> dict[str, str]:
        return {"pointer": self.pointer, "code": self.code, "detail": self.detail}


class Refused(Exception):
    """The base of every refusal: `sentence` for people, `code` and `status` for machines, `errors` for the details."""

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 400

    def __init__(self, sentence: str, *, errors: Iterable[Problem] = ()) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.errors = tuple(errors)


class Invalid(Refused):
    """What was sent cannot be understood or breaks a rule of form."""

    code = "invalid"
    status = 422


class Conflict(Refused):
    """It was right a moment ago: somebody else was first, or the state has moved on."""

    code = "conflict"
    status = 409


class SignedOut(Refused):
    """Whoever asks was signed in when the page was made, and is not any more."""

    code = "signed_out"
    status = 401


class NotAllowed(Refused):
    """This actor may see it, but not do it."""

    code = "not_allowed"
    status = 403


class NotFound(Refused):
    """It does not exist, or this actor may not know that it does."""

    code = "not_found"
    status = 404
