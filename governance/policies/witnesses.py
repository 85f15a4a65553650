"""An output that answers several conditions as wanted, or the proof that there is none. Pure.

Each field has a few values that stand for all others: the literals it is compared with, what lies between and beyond
them, another kind, nothing. They are tried in turn, and a branch ends as soon as some condition cannot give its answer
any more. Where the few do not stand for all (patterns, texts in order, lists), finding nothing proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

from governance.contracts import pointer
from governance.contracts.reading import exact_millionths
from governance.contracts.values import MISSING, decimal_of, kind_of
from governance.policies import operators
from governance.policies.candidate import MILLION, Candidate
from governance.policies.conditions import Condition, Group, Leaf, Negation, Node, shown
from governance.policies.fields import BODIES, FieldPath
from governance.policies.operators import Answer

Wanted = tuple[Condition, Answer]
_YES, _NO, _OPEN = 1, 2, 4
_BIT: Final[dict[Answer, int]] = {True: _YES, False: _NO, None: _OPEN}
_EXACT_KINDS: Final = frozenset({"number", "text", "boolean", "null"})


@dataclass(slots=True)
class Budget:
    """How many values may still be tried. All questions about one document share it, so that reading has a bound."""

    left: int = 20_000


@dataclass(frozen=True, slots=True)
class Example:
    """An output, as the values of the fields that matter; every other may be anything."""

    values: dict[str, Any] = field(default_factory=dict)

    def candidate(self, paths: Iterable[FieldPath]) -> Candidate:
        """The output itself. Raises ValueError when no body can hold these values."""
        bodies: dict[str, Any] = {name: {} for name in BODIES}
        known: dict[str, Any] = {"confidence": MILLION}
        for path in paths:
            value = self.values.get(path.name, MISSING)
            root = path.segments[0]
            if root in BODIES:
                if value is not MISSING:
                    bodies[root] = pointer.put(bodies[root], path.segments[1:], value)
            elif root not in ("received", "contract"):
                known[root] = None if value is MISSING else value
        return Candidate(**known, **bodies)

    def told(self, paths: Iterable[FieldPath]) -> dict[str, Any]:
        """Field and value as a document writes them; what is missing is left out."""
        return {
            path.name: shown(path, self.values[path.name])
            for path in paths
            if self.values.get(path.name, MISSING) is not MISSING
        }


@dataclass(frozen=True, slots=True)
class Search:
    """What was found: an example, the proof that there is none (`is_proven`), or neither."""

    example: Example | None
    is_proven: bool = False
    paths: tuple[FieldPath, ...] = ()

    @property
    def is_impossible(self) -> bool:
        return self.example is None and self.is_proven

    def told(self) -> dict[str, Any]:
        return self.example.told(self.paths) if self.example else {}


def find(wanted: Sequence[Wanted], budget: Budget) -> Search:
    """An output on which every condition gives the answer wanted of it."""
    return _Hunt(wanted, budget).run()


class _Hunt:
    def __init__(self, wanted: Sequence[Wanted], budget: Budget) -> None:
        self.wanted, self.budget = wanted, budget
        self.paths = {path.name: path for condition, _ in wanted for path in condition.fields}
        by_field: dict[str, list[Leaf]] = {name: [] for name in self.paths}
        for condition, _ in wanted:
            for leaf in condition.tree.leaves():
                by_field[leaf.field.name].append(leaf)
        self.is_complete = all(_is_exact(leaf) for leaves in by_field.values() for leaf in leaves)
        self.domains = {name: values_of(self.paths[name], leaves) for name, leaves in by_field.items()}
        # Per question: what each value of its field answers, and at first whatever any of them does.
        self.answers = {
            id(leaf): [_BIT[leaf.compile({leaf.field.name: 0})([value])] for value in self.domains[name]]
            for name, leaves in by_field.items() for leaf in leaves
        }  # fmt: skip
        self.masks = {key: _either(bits) for key, bits in self.answers.items()}
        self.by_field = by_field
        self._thin_out()

    def _thin_out(self) -> None:
        """Of values that answer every question alike, one is enough."""
        for name, leaves in self.by_field.items():
            kept: dict[tuple[int, ...], int] = {}
            for place in range(len(self.domains[name])):
                kept.setdefault(tuple(self.answers[id(leaf)][place] for leaf in leaves), place)
            places = list(kept.values())
            self.domains[name] = [self.domains[name][place] for place in places]
            for leaf in {id(leaf): leaf for leaf in leaves}.values():
                self.answers[id(leaf)] = [self.answers[id(leaf)][place] for place in places]

    def run(self) -> Search:
        order = sorted(self.paths, key=lambda name: len(self.domains[name]))
        values: dict[str, Any] = {}
        found = self._walk(order, 0, values)
        paths = tuple(self.paths.values())
        if not found:
            return Search(None, self.is_complete and self.budget.left > 0)
        example = Example(dict(values))
        return Search(example if self._holds(example) else None, is_proven=False, paths=paths)

    def _walk(self, order: list[str], depth: int, values: dict[str, Any]) -> bool:
        if self.budget.left <= 0 or not self._is_open():
            return False
        if depth == len(order):
            return True
        name = order[depth]
        leaves = self.by_field[name]
        before = [(id(leaf), self.masks[id(leaf)]) for leaf in leaves]
        for place, value in enumerate(self.domains[name]):
            self.budget.left -= 1
            values[name] = value
            for leaf in leaves:
                self.masks[id(leaf)] = self.answers[id(leaf)][place]
            if self._walk(order, depth + 1, values):
                return True
        self.masks.update(before)
        return False

    def _is_open(self) -> bool:
        return all(self._mask(condition.tree) & _BIT[answer] for condition, answer in self.wanted)

    def _mask(self, node: Node) -> int:
        """The answers that the node can still give."""
        if isinstance(node, Leaf):
            return self.masks[id(node)]
        if isinstance(node, Negation):
            mask = self._mask(node.part)
            return (mask & _OPEN) | (_NO if mask & _YES else 0) | (_YES if mask & _NO else 0)
        return _joined(node, [self._mask(part) for part in node.parts])

    def _holds(self, example: Example) -> bool:
        """Whether an output really is like that: of two fields one may lie inside the other."""
        try:
            candidate = example.candidate(self.paths.values())
        except ValueError:
            return False
        fixed = {name for name in example.values if name.startswith(("received.", "contract."))}
        return bool(fixed) or all(condition.evaluate(candidate) is answer for condition, answer in self.wanted)


def _joined(node: Group, masks: list[int]) -> int:
    decides, passes = (_NO, _YES) if node.name == "all" else (_YES, _NO)
    mask = decides if any(part & decides for part in masks) else 0
    if all(part & passes for part in masks):
        mask |= passes
    if any(part & _OPEN for part in masks) and all(part & (passes | _OPEN) for part in masks):
        mask |= _OPEN
    return mask


def _either(bits: list[int]) -> int:
    mask = 0
    for bit in bits:
        mask |= bit
    return mask


def _literals(leaf: Leaf) -> list[Any]:
    if leaf.op == "exists":
        return []
    return list(leaf.value) if leaf.op in ("in", "not_in", "between") else [leaf.value]


def _is_exact(leaf: Leaf) -> bool:
    """Whether the few values of `values_of` stand for all others in this question."""
    kinds = {kind_of(literal) for literal in _literals(leaf)}
    if leaf.op in ("eq", "ne", "in", "not_in", "exists"):
        return kinds <= _EXACT_KINDS
    return kinds == {"number"}


def values_of(path: FieldPath, leaves: Sequence[Leaf]) -> list[Any]:
    literals = [literal for leaf in leaves for literal in _literals(leaf)]
    if path.holds == "confidence":
        points = {exact_millionths(literal) for literal in literals}
        near = {point + step for point in points for step in (-1, 0, 1)} | {0, MILLION}
        return [*sorted(point for point in near if 0 <= point <= MILLION), MISSING]
    if path.holds == "whole":
        return list(range(24)) if path.name == "received.hour" else list(range(1, 8))
    if path.holds == "boolean":
        return [False, True]
    texts = [text for leaf in leaves for text in _texts(leaf)]
    if path.holds == "text":
        return [*dict.fromkeys(text for text in texts if text), "something-else", MISSING]
    exact = sorted({number for literal in literals if (number := decimal_of(literal)) is not None})
    others = [literal for literal in literals if kind_of(literal) in ("array", "object")]
    return [
        *_plain(_points(exact)), *dict.fromkeys(texts), "something else", *others,
        *([leaf.value] for leaf in leaves if leaf.op == "contains"), [], None, True, False, MISSING,
    ]  # fmt: skip


def _points(exact: list[Decimal]) -> list[Decimal]:
    """The numbers themselves, one between each two, one below and one above all."""
    if not exact:
        return [Decimal(0)]
    between = [(low + high) / 2 for low, high in pairwise(exact)]
    return sorted({*exact, *between, exact[0] - 1, exact[-1] + 1})


def _plain(numbers: list[Decimal]) -> list[Any]:
    return [int(number) if number == number.to_integral_value() else float(number) for number in numbers]


def _texts(leaf: Leaf) -> list[str]:
    found = []
    for literal in _literals(leaf):
        if not isinstance(literal, str):
            continue
        moment = operators.instant(literal)
        if moment is not None:
            found += [_moment(moment, step) for step in (-1, 0, 1)]
        elif leaf.op == "matches":
            found.append(literal.strip("^$"))
        else:
            found += [literal, literal + "~", "~" + literal]
    return found


def _moment(moment: Any, seconds: int) -> str:
    try:
        return str((moment + timedelta(seconds=seconds)).isoformat())
    except OverflowError:
        return str(moment.isoformat())
