"""Which models a policy was validated for. Pure.

A policy that names some of them lets no other model's outputs go out or be judged by its rules: a person decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from governance.policies.candidate import Candidate


class Name(NamedTuple):
    """A model as its outputs state it; what they leave out is empty."""

    model: str
    model_version: str
    prompt_version: str

    def __str__(self) -> str:
        """`intent-lr 3.1, prompt 7`."""
        prompt = f", prompt {self.prompt_version}" if self.prompt_version else ""
        return f"{' '.join(filter(None, self[:2])) or 'a model without a name'}{prompt}"


def name_of(candidate: Candidate) -> Name:
    return Name(candidate.model or "", candidate.model_version or "", candidate.prompt_version or "")


@dataclass(frozen=True, slots=True)
class Validated:
    """One model that a policy was validated for; None stands for every version of it, or every prompt."""

    model: str
    model_version: str | None = None
    prompt_version: str | None = None

    def __str__(self) -> str:
        version = f" {self.model_version}" if self.model_version is not None else ", every version"
        prompt = f", prompt {self.prompt_version}" if self.prompt_version is not None else ""
        return f"{self.model}{version}{prompt}"


class Models(frozenset[tuple[str, str | None, str | None]]):
    """The models of a policy, to be asked for one by one in no more than four look-ups."""

    @classmethod
    def of(cls, named: Iterable[Validated]) -> Models:
        return cls((one.model, one.model_version, one.prompt_version) for one in named)

    def know(self, name: Name) -> bool:
        model, version, prompt = name
        return (
            (model, version, prompt) in self
            or (model, version, None) in self
            or (model, None, None) in self
            or (model, None, prompt) in self
        )
