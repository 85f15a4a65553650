"""Checks a Countersign evidence bundle offline, with Python 3.11 or newer and nothing else.

    python verify.py BUNDLE --trust KEYFILE         check everything, in the order of the list below
    python verify.py watch SOURCE --trust KEYFILE --state FILE
        SOURCE is a bundle or the address of a log (…/api/v1/evidence): demands that it only grew since FILE was written
    python verify.py receipt FILE --trust KEYFILE
        FILE is an answer of the API, a webhook's body or a receipt in it: demands that its entries are in the log

KEYFILE holds public keys, one a line (`name+id+base64`). It has to reach you by another way than the bundle: whoever
can make a bundle can also put keys into it. Without it the answer is at best UNTRUSTED KEY.

What is checked, by the name that a finding carries:
  signature   the head is signed by a trusted key (C2SP signed note, Ed25519 of RFC 8032, canonical keys only)
  tile, root  the hashes of the tiles lead to the signed root (RFC 9162, SHA-256)
  entry       each entry is the one that its hash in the tiles says; in a selection: its proof leads to the root
  canonical   its bytes are the one JSON text of what it says (RFC 8785, without floats)
  schema      it has the members that its type asks for
  unique      no id appears twice
  back-dated  its time fits its id, what it cites, and what was sealed before it
  chain       it follows the entry before it about the same subject
  cause       what it cites is in the log, before it
  policy      the policy it names is the document in the bundle and was in force at that time
  four-eyes   that policy was approved by enough people, none of whom proposed it
  gate        the policy applied again to the recorded inputs gives the recorded rule, lane, threshold and audit
  duties      two seats of one item were not taken by one person; people decide, machines do not
  commitment  what is disclosed is what the entry committed to
  erased      what is missing was erased, and the log says so
  controls    controls.json is the one of the manifest, which counts the entries that are here
  checkpoint  every earlier head in the bundle is a beginning of this log

Exit codes: 0 verified · 1 tampered or violated · 2 undecidable · 3 usage, or not a bundle.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import functools
import hashlib
import hmac
import json
import operator
import re
import sys
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

try:
    import re2
except ImportError:
    re2 = None
MILLION, MOST_TOLD = 1_000_000, 50
MODEL = ("model", "model_version", "prompt_version")
Keys = tuple[tuple[str, bytes, bytes], ...]  # each a name, an id and a public key
# Clocks of several hosts differ a little, and a transaction may take a while; nothing in the product takes longer.
PATIENCE, IN_FORCE_PATIENCE = 600, 60  # seconds


class NotABundle(Exception):
    """What was given cannot be read as a bundle at all."""


class Bad(Exception):
    """One check failed; the text says how."""


# ---------------------------------------------------------------- Ed25519 (RFC 8032, section 5.1.7)
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)
Point = tuple[int, int, int, int]


def _add(a: Point, b: Point) -> Point:
    s, t = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    u, v = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = t - s, v - u, v + u, t + s
    return e * f % P, g * h % P, f * g % P, e * h % P


def _times(factor: int, point: Point) -> Point:
    result: Point = (0, 1, 1, 0)
    while factor:
        if factor & 1:
            result = _add(result, point)
        point, factor = _add(point, point), factor >> 1
    return result


def _decompress(data: bytes) -> Point | None:
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


def _compress(point: Point) -> bytes:
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


_BASE_Y = 4 * pow(5, P - 2, P) % P
BASE = _decompress(_BASE_Y.to_bytes(32, "little"))


def is_usable(public: bytes) -> bool:
    """Whether a public key is canonical and of full order: any other verifies differently in different libraries."""
    point = _decompress(public) if len(public) == 32 else None
    return point is not None and _compress(_times(8, point)) != (1).to_bytes(32, "little")


def is_signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the signature is valid, by the equation without cofactor. For usable keys only."""
    point = _decompress(public) if len(public) == 32 else None
    s = int.from_bytes(signature[32:], "little")
    if point is None or BASE is None or len(signature) != 64 or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    minus: Point = (P - point[0], point[1], 1, P - point[3])
    return _compress(_add(_times(s, BASE), _times(k, minus))) == signature[:32]


# ---------------------------------------------------------------- signed notes and checkpoints (C2SP)
def _plain_base64(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Bad("this is not base64") from error
    if base64.b64encode(data).decode() != text:
        raise Bad("this is not how base64 is written")
    return data


def parse_key(text: str) -> tuple[str, bytes, bytes]:
    """Name, id and public key of `name+id+base64(1 ‖ key)`. Raises Bad."""
    name, _, rest = text.strip().partition("+")
    id, _, data = rest.partition("+")
    key = _plain_base64(data)
    if not name or re.search(r"\s", name) or key[:1] != b"\1" or not is_usable(key[1:]):
        raise Bad("this is not a canonical Ed25519 key of a log")
    if hashlib.sha256(name.encode() + b"\n" + key).digest()[:4].hex() != id:
        raise Bad("the id of a key does not belong to it")
    return name, bytes.fromhex(id), key[1:]


def parse_keys(text: str) -> Keys:
    """The keys of a file: one a line; empty lines and lines that begin with # do not count. Raises Bad."""
    return tuple(parse_key(line) for line in text.splitlines() if line.strip() and not line.strip().startswith("#"))


@functools.cache
def open_note(note: str, keys: Keys) -> str:
    """The text of a note that one of these keys has signed; a bad signature by any of them spoils it. Raises Bad."""
    text, gap, lines = note.rpartition("\n\n")
    if not gap or not lines.endswith("\n") or any(sign < " " and sign != "\n" for sign in note):
        raise Bad("this is not a signed note")
    text += "\n"
    known = {(name, id): public for name, id, public in keys}
    if len(known) != len(keys):
        raise Bad("two trusted keys cannot be told apart")
    is_known = False
    for line in lines[:-1].split("\n"):
        dash, _, rest = line.partition(" ")
        name, _, data = rest.partition(" ")
        signature = _plain_base64(data)
        if dash != "\u2014" or not name or "+" in name or len(signature) < 5:
            raise Bad("a signature is a line with a dash, a name and base64")
        public = known.get((name, signature[:4]))
        if public is not None:
            if not is_signed(public, text.encode(), signature[4:]):
                raise Bad(f"the signature of {name} is not valid")
            is_known = True
    if not is_known:
        raise Bad("no trusted key has signed it")
    return text


def parse_checkpoint(text: str) -> tuple[str, int, bytes]:
    """Origin, size and root of a checkpoint's text. Raises Bad."""
    lines = text.split("\n")
    if len(lines) < 4 or not re.fullmatch(r"0|[1-9][0-9]{0,18}", lines[1]):
        raise Bad("this is not a checkpoint")
    return lines[0], int(lines[1]), _plain_base64(lines[2])


# ---------------------------------------------------------------- the tree (RFC 9162) and its tiles (C2SP tlog-tiles)
def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def _perfect(hashes: bytes) -> bytes:
    """The root over 2^k joined hashes."""
    sha = hashlib.sha256
    while len(hashes) > 32:
        hashes = b"".join([sha(b"\1" + hashes[at : at + 64]).digest() for at in range(0, len(hashes), 64)])
    return hashes


def tree_of(leaves: bytes) -> list[bytes]:
    """The hashes of each tile level, joined: level n + 1 holds the roots of the full tiles of level n."""
    levels = [leaves]
    while len(levels[-1]) >= 8192:
        below = levels[-1]
        levels.append(b"".join([_perfect(below[at : at + 8192]) for at in range(0, len(below) - 8191, 8192)]))
    return levels


def root_at(size: int, subtree: Callable[[int, int], bytes]) -> bytes:
    """The root of the first `size` entries; `subtree(height, index)` gives the perfect ones."""
    peaks, start = [], 0
    while start < size:
        height = (size - start).bit_length() - 1
        peaks.append(subtree(height, start >> height))
        start += 1 << height
    if not peaks:
        return hashlib.sha256(b"").digest()
    result = peaks.pop()
    while peaks:
        result = _node(peaks.pop(), result)
    return result


def subtree_of(read: Callable[[int, int], bytes]) -> Callable[[int, int], bytes]:
    """The root of the 2^height leaves from index × 2^height on; `read(level, number)` gives a tile's hashes."""

    def subtree(height: int, index: int) -> bytes:
        level, rise = divmod(height, 8)
        number, offset = divmod(index << rise, 256)
        return _perfect(read(level, number)[offset * 32 : (offset + (1 << rise)) * 32])

    return subtree


def tile_path(number: int, width: int = 256) -> str:
    parts = [f"{number % 1000:03d}"]
    while number := number // 1000:
        parts.append(f"x{number % 1000:03d}")
    return "/".join(reversed(parts)) + (f".p/{width}" if width < 256 else "")


def includes(leaf: bytes, index: int, size: int, proof: list[bytes], root: bytes) -> bool:
    """RFC 9162, 2.1.3.2."""
    if not 0 <= index < size or len(root) != 32:
        return False
    first, last, result = index, size - 1, leaf
    for part in proof:
        if last == 0:
            return False
        if first & 1 or first == last:
            result = _node(part, result)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            result = _node(result, part)
        first, last = first >> 1, last >> 1
    return last == 0 and result == root


# ---------------------------------------------------------------- conditions, as the policy's document states them
MISSING, UNKNOWN = object(), object()  # no value there; a pattern that cannot be run here
ORDERINGS = {"lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge}
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.A)
_SEGMENT = re.compile(r'"((?:[^"\\]|\\["\\])+)"|([^."\\\s]+)')


def field_name(text: str) -> str:
    """A field as inputs are kept under: segments that need quotes have them, others do not."""
    parts = [re.sub(r'\\(["\\])', r"\1", quoted) if quoted else plain for quoted, plain in _SEGMENT.findall(text)]
    quoted = ['"' + re.sub(r'(["\\])', r"\\\1", part) + '"' for part in parts]
    return ".".join(p if re.fullmatch(r'[^."\\\s]+', p) else q for p, q in zip(parts, quoted, strict=True))


def restored(kept: Any) -> Any:
    """A value from `gate_inputs`: decimals and objects are wrapped there."""
    if isinstance(kept, list):
        return [restored(each) for each in kept]
    if isinstance(kept, dict):
        if "decimal" in kept:
            return Decimal(kept["decimal"])
        return {key: restored(each) for key, each in kept["object"].items()}
    return kept


KINDS = {
    type(None): "null",
    bool: "boolean",
    str: "text",
    int: "number",
    Decimal: "number",
    dict: "object",
    list: "array",
}


def same(one: Any, other: Any) -> bool:
    """Numbers compare as decimals, booleans are never numbers, and the keys of an object have no order."""
    kind = KINDS.get(type(one))
    if kind != KINDS.get(type(other)):
        return False
    if kind == "object":
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if kind == "array":
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return bool(one == other)


def instant(text: str) -> datetime | None:
    """The time that an RFC 3339 text states, None for any other text."""
    match = _TIME.fullmatch(text)
    try:
        *parts, fraction, sign, hours, minutes = match.groups() if match else ()
        if int(hours or 0) > 23 or int(minutes or 0) > 59:
            return None
        offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0)) * (-1 if sign == "-" else 1)
        year, month, day, hour, minute, second = (int(part) for part in parts)
        micro = int((fraction or "0").ljust(6, "0"))
        return datetime(year, month, day, hour, minute, second, micro, timezone(offset)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def compare(op: str, value: Any, literal: Any) -> Any:
    """True or False, MISSING for a value of another kind than it is compared with, UNKNOWN for what cannot be run."""
    kind = KINDS.get(type(value))
    if op in ("eq", "in"):
        literals = literal if op == "in" else [literal]
        kinds = {KINDS.get(type(each)) for each in literals}
        is_answer = kind in kinds or kinds == {"null"}
        return any(same(value, each) for each in literals) if is_answer else MISSING
    if op in ORDERINGS and KINDS.get(type(literal)) == "number":
        return ORDERINGS[op](value, literal) if kind == "number" else MISSING
    if op == "contains" and kind == "array":
        return any(same(element, literal) for element in value)
    if kind != "text" or not isinstance(literal, str):
        return MISSING
    if op in ORDERINGS:
        moment, stated = instant(literal), instant(value)
        if moment is None:
            return ORDERINGS[op](value, literal)
        return MISSING if stated is None else ORDERINGS[op](stated, moment)
    if op == "matches":
        return UNKNOWN if re2 is None else re2.search(literal, value) is not None
    return {"contains": str.__contains__, "starts_with": str.startswith, "ends_with": str.endswith}[op](value, literal)


def _question(asked: dict[str, Any], inputs: dict[str, Any]) -> Any:
    name, op, literal = field_name(asked["field"]), asked["op"], asked.get("value", True)
    value = inputs.get(name, MISSING)
    if op == "exists":
        return (value is not MISSING) is literal
    if name == "confidence":
        literal = [each * MILLION for each in literal] if isinstance(literal, list) else literal * MILLION
    if value is MISSING:
        result = MISSING
    elif op == "between":
        low, high = compare("ge", value, literal[0]), compare("le", value, literal[1])
        result = low if low is MISSING else low and high
    else:
        result = compare({"ne": "eq", "not_in": "in"}.get(op, op), value, literal)
        result = not result if op in ("ne", "not_in") and isinstance(result, bool) else result
    if result is MISSING:
        return {"escalate": None, "false": False, "true": True}[str(asked.get("on_missing", "escalate")).lower()]
    return result


def answer(condition: dict[str, Any], inputs: dict[str, Any]) -> Any:
    """True, False, None for undecided (Kleene's logic), UNKNOWN when a pattern that decides cannot be run here."""
    if "not" in condition:
        inner = answer(condition["not"], inputs)
        return inner if inner is None or inner is UNKNOWN else not inner
    for name, decides in (("all", False), ("any", True)):
        if name in condition:
            found = [answer(part, inputs) for part in condition[name]]
            if decides in [each for each in found if isinstance(each, bool)]:
                return decides
            return UNKNOWN if UNKNOWN in found else None if None in found else not decides
    return _question(condition, inputs)


# ---------------------------------------------------------------- the gate
class Gate:
    """A policy's document applied again. Shares are integer millionths."""

    def __init__(self, document: dict[str, Any]) -> None:
        threshold = document["threshold"]
        self.default = int(threshold["default"] * MILLION)
        rules = document.get("rules") or ()
        self.asked: list[tuple[Any, ...]] = [(rule["id"], rule["when"], rule["then"], None) for rule in rules]
        for part in threshold.get("segments") or ():
            self.asked.append((f"segment:{part['id']}", part["when"], "threshold", part))
        self.audit_rate = int((document.get("audit") or {}).get("rate", Decimal("0.05")) * MILLION)
        named = document.get("validated_for") or [{}]
        self.models = [[part.get(member) for member in MODEL] for part in named]  # None stands for every one

    def knows(self, model: tuple[str, ...]) -> bool:
        return any(all(asked in (None, is_) for asked, is_ in zip(one, model, strict=True)) for one in self.models)

    def verdict(self, gate: dict[str, Any], inputs: dict[str, Any] | None) -> tuple[list[Any], bool]:
        """Rule, lane, threshold, segment and conditions, and whether every condition was run here.
        Without inputs the recorded results are taken, and only where they lead is checked.
        """
        told, is_whole = {each["rule"]: each["result"] for each in gate["conditions"]}, inputs is not None
        conditions: list[dict[str, Any]] = []
        threshold, segment, confidence = self.default, None, gate["confidence"]
        for name, when, then, part in self.asked:
            found = answer(when, inputs) if inputs is not None else UNKNOWN
            if found is UNKNOWN:
                is_whole = False
                if name not in told:
                    raise Bad(f"the record does not say how {name} was answered")
                found = {"missing": None}.get(told[name], told[name])
            conditions.append({"rule": name, "result": "missing" if found is None else found})
            if found is None:
                return [name, "review", None, None, conditions], is_whole
            if found and part is None and (then != "release" or confidence is not None):
                return [name, then, None, None, conditions], is_whole
            if found:
                threshold, segment = (int(part["threshold"] * MILLION), part["id"]) if part else (0, None)
                break
        if confidence is None:
            return ["confidence", "review", None, None, conditions], is_whole
        lane = "release" if confidence >= threshold else "review"
        return [f"threshold:{segment or 'default'}", lane, threshold, segment, conditions], is_whole

    def check(self, gate: dict[str, Any], inputs: dict[str, Any] | None) -> bool:
        """Whether the conditions were run again, else only followed. Raises Bad when the record says otherwise."""
        recorded = [gate[name] for name in ("rule", "lane", "threshold", "segment", "conditions")]
        if inputs is not None and inputs.get("confidence", gate["confidence"]) != gate["confidence"]:
            raise Bad("the confidence that the rules read is not the one recorded")
        found, is_whole = self.verdict(gate, inputs)
        if found != recorded:
            raise Bad(f"the policy says {found[1]} by {found[0]}, the record says {gate['lane']} by {gate['rule']}")
        return is_whole

    def check_draw(self, gate: dict[str, Any]) -> None:
        rate = {"release": self.audit_rate, "review": MILLION, "block": 0}[gate["lane"]]
        if gate["propensity"] != rate:
            raise Bad("the chance of an audit is not the one that the policy states")
        is_drawn = gate["lane"] == "release" and int(gate["draw"], 16) * MILLION < rate * 2**64
        if gate["audit"] is not is_drawn:
            raise Bad("the audit does not follow from the draw")


# ---------------------------------------------------------------- one entry
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode
_KEY = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
_known_keys: set[str] = set()
_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\Z", re.ASCII)
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
_HASH = re.compile(r"[0-9a-f]{64}\Z")
NEEDS = {"judged": "gate", "decided": "decision", "superseded": "decision"}


def _refuse(text: str) -> Any:
    raise Bad(f"{text} has no canonical form")


_decode = json.JSONDecoder(parse_float=_refuse, parse_constant=_refuse).decode


@functools.lru_cache(4096)
def _minute(text: str) -> int:
    return int(datetime.fromisoformat(text + "Z").timestamp())


def moment(text: str) -> int:
    """The second of a time as entries write it. Raises ValueError for a day that there is not."""
    return _minute(text[:16]) + int(text[17:19])


def read_entry(content: bytes) -> dict[str, Any]:
    """What the bytes of an entry say. Raises Bad unless they are its canonical form."""
    try:
        text = content.decode()
        entry = _decode(text)
        if _encode(entry).encode() != content or not isinstance(entry, dict):
            raise Bad("the bytes are not the canonical form of what they say")
    except (ValueError, RecursionError) as error:
        raise Bad("the bytes are not JSON in UTF-8") from error
    _look_closely(entry)
    return entry


def _look_closely(value: Any) -> None:
    """Refuses keys of another form and numbers that other languages would round."""
    if type(value) is dict:
        if not _known_keys.issuperset(value):
            if odd := [key for key in value if not _KEY.match(key)]:
                raise Bad(f"{odd[0]!r} is no key of an entry")
            _known_keys.update(value)
        value = value.values()
    for inner in value:
        kind = type(inner)
        if kind is dict or kind is list:
            _look_closely(inner)
        elif kind is int and not -(2**53) < inner < 2**53:
            raise Bad(f"{inner} is beyond 2^53 - 1")


MEMBERS = {"id": str, "at": str, "type": str, "actor": dict, "subject": dict, "causes": list}
MORE = {"policy": dict, "gate": dict, "decision": dict, "detail": dict, "commitments": list}


def check_schema(entry: dict[str, Any], origin: str) -> None:
    """That the members which every entry has are there and of their kind. Raises Bad."""
    for name, kind in MEMBERS.items():
        if type(entry.get(name)) is not kind:
            raise Bad(f"{name} is missing or of another kind")
    for name in entry.keys() & MORE.keys():
        if type(entry[name]) is not MORE[name]:
            raise Bad(f"{name} is of another kind")
    actor, subject = entry["actor"], entry["subject"]
    if actor.get("kind") not in ("person", "policy", "machine") or type(actor.get("roles")) is not list:
        raise Bad("it does not say who acted")
    if type(subject.get("rev")) is not int or not _ID.match(str(subject.get("id"))) or not _ID.match(entry["id"]):
        raise Bad("it does not say what it is about")
    if not all(type(cause) is str and _HASH.match(cause) for cause in entry["causes"]):
        raise Bad("its causes are not hashes")
    if entry.get("v") != 1 or not _AT.match(entry["at"]):
        raise Bad("its version or its time is not written as they are")
    if entry.get("log") != origin:
        raise Bad("it belongs to another log")
    if NEEDS.get(entry["type"], "v") not in entry:
        raise Bad(f"an entry of this type has a {NEEDS[entry['type']]}")


# ---------------------------------------------------------------- the whole log, entry by entry
Table = dict[Any, Any]


class Log:
    """What has been read so far. `take` is called with the entries in their order."""

    last: dict[str, Any] | None = None  # the entry taken last, None when it could not be read

    def __init__(self, bundle: Any, origin: str) -> None:
        self.bundle, self.origin, self.latest = bundle, origin, 0
        self.findings: list[tuple[str, str, str]] = []
        self.count: dict[str, int] = {}
        self.places, self.ends, self.times = Table(), Table(), Table()  # hash, subject, hash
        self.proposals, self.approvals, self.activations = Table(), Table(), Table()  # subject, subject, hash
        self.in_force, self.gates, self.seats = Table(), Table(), Table()  # system, digest, item
        self.missing, self.ids, self.admissions, self.types = Table(), set[str](), Table(), Table()  # …; type
        self.erased, self.keys = set[tuple[str, str]](), set[str]()
        self.by_type: dict[str, Callable[[str, dict[str, Any], int], None]] = {
            "proposed": self._proposed,
            "approved": self._approved,
            "declined": self._four_eyes,
            "activated": self._activated,
            "bootstrapped": self._activated,
            "restored": self._activated,
            "canary_set": self._activated,
            "trial_ended": self._trial_ended,
            "erased": self._erased,
            "judged": self._judged,
            "decided": self._decided,
            "superseded": self._decided,
            "undone": self._undone,
            "log_keys": self._log_keys,
            "model_admitted": self._model,
            "model_barred": self._model,
        }

    def find(self, rule: str, where: str, says: object) -> None:
        self.note(rule)
        if len(self.findings) < MOST_TOLD:
            self.findings.append((rule, where, str(says)))

    def report(self) -> dict[str, Any]:
        findings = [{"rule": rule, "where": where, "says": says} for rule, where, says in self.findings]
        return {
            "origin": self.origin,
            "entries": len(self.places),
            "findings": findings,
            "counts": dict(sorted(self.count.items())),
        }

    def note(self, what: str) -> None:
        self.count[what] = self.count.get(what, 0) + 1

    def take(self, index: int, content: bytes, digest: str) -> None:
        """Checks one entry, whose hash (hex) is `digest`, against all before it."""
        rule, where, self.last = "canonical", f"entry {index}", None
        try:
            entry = read_entry(content)
            where = f"entry {index} ({entry.get('type')}, {entry.get('id')})"
            rule = "schema"
            check_schema(entry, self.origin)
            at = moment(entry["at"])
        except (Bad, ValueError) as error:
            self.places[digest] = index
            self.find(rule, where, error)
            return
        self.last = entry
        self.types[entry["type"]] = [self.types.get(entry["type"], [0])[0] + 1, index]
        self._place(where, entry, digest, index, at)
        if "policy" in entry:
            self._check_policy(where, entry)
        if "commitments" in entry:
            self._check_payloads(where, digest, entry)
        if step := self.by_type.get(entry["type"]):
            entry["hash"] = digest
            try:
                step(where, entry, at)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                self.find("schema", where, f"it lacks what its type asks for ({type(error).__name__} {error})")

    def _place(self, where: str, entry: dict[str, Any], digest: str, index: int, at: int) -> None:
        """Its id, its chain, its causes and its time."""
        if entry["id"] in self.ids or digest in self.places:
            self.find("unique", where, "this id was used before")
        self.ids.add(entry["id"])
        subject = entry["subject"]
        rev, prev = self.ends.get(subject["id"], (0, None))
        if subject["rev"] != rev + 1 or subject.get("prev") != prev:
            self.find("chain", where, f"revision {subject['rev']} does not follow revision {rev} of its subject")
        for cause in entry["causes"]:
            if cause not in self.places:
                self.find("cause", where, f"it cites {cause}, which does not come before it")
        self._check_time(where, entry, at, prev)
        self.places[digest], self.ends[subject["id"]] = index, (subject["rev"], digest)
        self.times[digest] = at

    def _check_time(self, where: str, entry: dict[str, Any], at: int, prev: str | None) -> None:
        made = int(entry["id"][:8] + entry["id"][9:13], 16) // 1000
        if abs(made - at) > PATIENCE:
            self.find("back-dated", where, f"it says {entry['at']}, and its id was made at another time")
        if at < self.latest - PATIENCE:
            self.find("back-dated", where, f"it says {entry['at']}, and later entries were there already")
        for cited in (*entry["causes"], prev):
            seen = self.times.get(cited, 0)
            if seen > at + PATIENCE:
                self.find("back-dated", where, f"it says {entry['at']} and follows something later")
        self.latest = max(self.latest, at)

    def _gate(self, digest: str) -> Any:
        """The policy of that digest; None when its document is missing or another."""
        if digest not in self.gates:
            name, self.gates[digest] = f"policies/{digest}.json", None
            document = self.bundle.read(name)
            try:
                if document is None or hashlib.sha256(document).hexdigest() != digest:
                    raise Bad("the document of this digest is missing or another")
                self.gates[digest] = Gate(json.loads(document, parse_float=Decimal))
            except (Bad, ValueError, KeyError, TypeError) as error:
                self.find("policy", name, error)
        return self.gates[digest]

    def _check_policy(self, where: str, entry: dict[str, Any]) -> None:
        policy = entry["policy"]
        self._gate(policy["digest"])
        active = self.activations.get(policy.get("entry"), {"digest": "", "version": ""})
        if policy.get("entry") and (active["digest"], active["version"]) != (policy["digest"], policy["version"]):
            self.find("policy", where, "what it names as putting its policy in force did not")

    def _check_payloads(self, where: str, digest: str, entry: dict[str, Any]) -> None:
        for part in entry["commitments"]:
            content = self.bundle.read(f"payloads/{digest}/{part['name']}")
            if content is None:
                self.missing[digest, part["name"]] = where
                continue
            salt, _, content = content.partition(b"\n")
            try:
                seen = hmac.digest(bytes.fromhex(salt.decode()), f"ev1:{part['name']}\0".encode() + content, "sha256")
            except ValueError:
                seen = b""
            if seen.hex() != part["digest"] or len(content) != part["len"] or part["alg"] != "hmac-sha256":
                self.find("commitment", where, f"{part['name']} is not what the entry committed to")
            self.note("payloads")

    def _proposed(self, where: str, entry: dict[str, Any], at: int) -> None:
        self.proposals[entry["subject"]["id"]] = {
            "by": entry["actor"]["id"], "digest": entry["policy"]["digest"], "tier": entry["detail"]["risk_tier"],
            "loosens": entry["detail"]["loosens"],
        }  # fmt: skip

    def _four_eyes(self, where: str, entry: dict[str, Any], at: int) -> None:
        proposal = self.proposals.get(entry["subject"]["id"])
        if proposal is None or proposal["by"] == entry["actor"]["id"] or entry["actor"]["kind"] != "person":
            self.find("four-eyes", where, "whoever proposes a policy does not sign it, and only people do")
        elif proposal["digest"] != entry["policy"]["digest"]:
            self.find("four-eyes", where, "what was signed is not what was proposed")
        elif entry["detail"]["role"] not in entry["actor"]["roles"]:
            self.find("four-eyes", where, "it was signed in a role that the person did not have")

    def _approved(self, where: str, entry: dict[str, Any], at: int) -> None:
        self._four_eyes(where, entry, at)
        signed = self.approvals.setdefault(entry["subject"]["id"], {})
        signed[entry["hash"]] = entry["actor"]["id"], entry["detail"]["role"]

    def _is_approved(self, subject: str, tier: str, cited: list[str] | None = None) -> bool:
        """Whether enough people signed, among the approvals cited (None: among all so far)."""
        proposal = self.proposals.get(subject, {"by": None, "loosens": True})
        signed = [each for hash, each in self.approvals.get(subject, {}).items() if cited is None or hash in cited]
        roles = {role for by, role in dict(signed).items() if by != proposal["by"]}
        if not proposal["loosens"]:
            return bool(roles)
        return {"approver", "owner"} <= roles if tier == "high" else "approver" in roles

    def _activated(self, where: str, entry: dict[str, Any], at: int) -> None:
        policy, subject, type = entry["policy"], entry["subject"]["id"], entry["type"]
        proposal = self.proposals.get(subject, {"digest": "", "tier": "high"})
        tier = entry["detail"].get("risk_tier", proposal["tier"])
        if proposal["digest"] != policy["digest"]:
            self.find("four-eyes", where, "it was put in force and never proposed like this")
        if type == "bootstrapped" and (policy["system"], False) in self.in_force:
            self.find("four-eyes", where, "a policy without signatures came after another one")
        cited = entry["causes"] if type == "activated" else None
        if type != "bootstrapped" and not self._is_approved(subject, tier, cited):
            self.find("four-eyes", where, "it was put in force without the signatures that its risk asks for")
        slots = [(policy["system"], True), (policy["system"], False)][: 1 if type == "canary_set" else 2]
        for slot in slots:  # a canary judges beside the policy in force; what is put in force ends both
            self.activations.get(self.in_force.get(slot), {})["until"] = at
        self.in_force[slots[-1]] = entry["hash"]
        self.activations[entry["hash"]] = {
            "digest": policy["digest"], "version": policy["version"], "system": policy["system"], "from": at,
            "until": None, "subject": subject, "tier": tier,
        }  # fmt: skip

    def _trial_ended(self, where: str, entry: dict[str, Any], at: int) -> None:
        self.activations.get(self.in_force.get((entry["policy"]["system"], True)), {})["until"] = at

    def _judged(self, where: str, entry: dict[str, Any], at: int) -> None:
        gate, policy = entry["gate"], entry.get("policy")
        self.note("judged")
        if policy is None:
            if gate["lane"] != "review":
                self.find("gate", where, "without a policy nothing goes out")
            return
        active = self.activations.get(policy["entry"])
        if active is None or policy["entry"] not in entry["causes"]:
            self.find("policy", where, "it does not cite what put its policy in force")
            return
        is_early = at < active["from"] - IN_FORCE_PATIENCE
        if is_early or (active["until"] is not None and at > active["until"] + IN_FORCE_PATIENCE):
            self.find("policy", where, "its policy was not in force at that time")
        try:
            self._check_gate(entry, gate, policy["digest"], active)
        except Bad as error:
            self.find("gate", where, error)

    def _check_gate(self, entry: dict[str, Any], gate: dict[str, Any], digest: str, active: dict[str, Any]) -> None:
        if gate["breached"] is not (gate["rule"] == "contract") and gate["rule"] != "halt":
            raise Bad("a broken contract is decided by no other rule")
        if gate["rule"] in ("halt", "contract", "unapproved-policy", "judging-error", "unknown-model"):
            if gate["lane"] != "review":
                raise Bad(f"{gate['rule']} never releases")
            return
        if active["tier"] == "high" and not self._is_approved(active["subject"], "high"):
            raise Bad("a policy without its signatures releases nothing on a high-risk system")
        applied = self._gate(digest)
        if applied is None:
            return
        applied.check_draw(gate)
        model = (entry["policy"]["system"], *(gate[member] or "" for member in MODEL))
        if not applied.knows(model[1:]) and not any(
            seen["of"] == model and moment(entry["at"]) <= seen["until"] + IN_FORCE_PATIENCE
            for seen in (self.admissions.get(cause, {"of": None}) for cause in entry["causes"])
        ):
            raise Bad("its policy was not validated for this model, and nobody let it in")
        inputs, kept = None, self.bundle.read(f"payloads/{entry['hash']}/gate_inputs")
        if kept is not None:
            inputs = {name: restored(value) for name, value in json.loads(kept.partition(b"\n")[2]).items()}
        self.note("gates run again" if applied.check(gate, inputs) else "not re-executed")

    def _decided(self, where: str, entry: dict[str, Any], at: int) -> None:
        decision, actor, detail = entry["decision"], entry["actor"], entry["detail"]
        self.note("decisions")
        if decision["by"] != "person":
            return
        if actor["kind"] != "person" or not {"reviewer", "lead"} & set(actor["roles"]):
            self.find("duties", where, "a decision of a person's is made by a person who may")
        if entry["type"] == "decided":
            seats = self.seats.setdefault((detail["item"], decision["round"]), {})
            seats[decision["seat"]] = actor["id"]
            if len(set(seats.values())) < len(seats):
                self.find("duties", where, "one person sat in two seats of one item")

    def _undone(self, where: str, entry: dict[str, Any], at: int) -> None:
        taken = self.seats.get((entry["detail"]["item"], entry["detail"]["round"]), {})
        taken.pop(entry["detail"]["seat"], None)

    def _model(self, where: str, entry: dict[str, Any], at: int) -> None:
        of = tuple(entry["detail"][member] for member in ("system", *MODEL))
        self.admissions.get(of, {})["until"] = at
        if entry["type"] == "model_admitted":
            self.admissions[entry["hash"]] = self.admissions[of] = {"of": of, "until": 2**63}
            if entry["actor"]["kind"] != "person" or "approver" not in entry["actor"]["roles"]:
                self.find("duties", where, "a model is let in by an approver")

    def _erased(self, where: str, entry: dict[str, Any], at: int) -> None:
        for part in entry["detail"]["erased"]:
            self.erased.update((part["entry"], name) for name in part["names"])

    def _log_keys(self, where: str, entry: dict[str, Any], at: int) -> None:
        self.keys.update(entry["detail"]["keys"])

    def finish(self, disclosed: str) -> None:
        """Settles what only the whole tells: whether each missing payload was erased, or withheld as the manifest
        says (`disclosed`: all, gate or none)."""
        for (digest, name), where in self.missing.items():
            if (digest, name) in self.erased:
                self.note("erased")
            elif disclosed == "none" or (disclosed == "gate" and name != "gate_inputs"):
                self.note("withheld")
            else:
                self.find("erased", where, f"{name} is missing, and no entry says that it was erased")
        for digest, name in self.erased - self.missing.keys():
            if digest in self.places:
                self.find("erased", f"payloads/{digest}/{name}", "it was erased, and here it is")


# ---------------------------------------------------------------- the bundle
class Bundle:
    """A zip file, read member by member. Raises NotABundle for anything else."""

    def __init__(self, path: Path) -> None:
        try:
            self.archive = zipfile.ZipFile(path)
            self.names = set(self.archive.namelist())
            if len(self.names) != len(self.archive.namelist()):
                raise NotABundle("It holds two files of one name.")
            self.manifest: dict[str, Any] = json.loads(self.archive.read("manifest.json"))
            if self.manifest["format"] != "countersign-bundle@1":
                raise NotABundle("It is a bundle of another format.")
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise NotABundle(f"This is not an evidence bundle ({type(error).__name__}).") from error

    def read(self, name: str) -> bytes | None:
        """The bytes of a member; None when it is missing or damaged."""
        try:
            return self.archive.read(name) if name in self.names else None
        except (zipfile.BadZipFile, OSError, ValueError):
            return b""

    def text(self, name: str) -> str:
        return (self.read(name) or b"").decode(errors="replace")


def entries_of(bundle: Bundle, size: int, log: Log) -> Iterator[tuple[int, list[bytes], bytes]]:
    """Tile by tile: the index of the first entry, the entries, their joined hashes; the tile has to say the same."""
    for number in range((size + 255) // 256):
        width = min(256, size - number * 256)
        name, at, contents, hashes = tile_path(number, width), 0, [], []
        data = bundle.read(f"tile/entries/{name}") or b""
        for _ in range(width):
            start, at = at + 2, at + 2 + int.from_bytes(data[at : at + 2], "big")
            contents.append(data[start:at])
            hashes.append(hashlib.sha256(b"\0" + contents[-1]).digest())
        if at != len(data):
            log.find("entry", f"tile/entries/{name}", "it does not hold the entries that it should")
        joined, said = b"".join(hashes), bundle.read(f"tile/0/{name}") or b""
        if joined != said:
            for offset, hash in enumerate(hashes):
                if said[offset * 32 : offset * 32 + 32] != hash:
                    log.find("entry", f"entry {number * 256 + offset}", "it is not the one that the tile says")
        yield number * 256, contents, joined


def check_tiles(bundle: Bundle, log: Log, levels: list[bytes]) -> None:
    """That every tile is the one which the entries give."""
    for level, hashes in enumerate(levels):
        for number in range((len(hashes) + 8191) // 8192):
            wanted = hashes[number * 8192 : number * 8192 + 8192]
            name = f"tile/{level}/{tile_path(number, len(wanted) // 32)}"
            if bundle.read(name) != wanted:
                log.find("tile", name, "its hashes are not those of the entries")


def check_heads(bundle: Bundle, size: int, log: Log, keys: Keys, subtree: Callable[[int, int], bytes]) -> int:
    """That every earlier head is signed by a key of this log and is a beginning of it; how many there are."""
    known = tuple({*keys, *(parse_key(text) for text in log.keys)})
    notes = [part.rstrip("\n") for part in bundle.text("checkpoints.txt").split("\n\n\n") if part]
    for note in notes:
        try:
            origin, older, root = parse_checkpoint(open_note(note + "\n", known))
            if origin != log.origin or older > size or root_at(older, subtree) != root:
                raise Bad(f"the head of {older} entries is no beginning of this log")
        except Bad as error:
            log.find("checkpoint", "checkpoints.txt", error)
    return len(notes)


def check_proof(proof: str, leaf: bytes, keys: Keys) -> tuple[str, int, int]:
    """Origin, size and index, when the C2SP tlog-proof leads from the hash to a root that a key signed. Raises Bad."""
    top, _, note = proof.partition("\n\n")
    lines = re.fullmatch(r"c2sp\.org/tlog-proof@v1\nindex (0|[1-9][0-9]{0,18})((?:\n\S+)*)", top)
    if lines is None:
        raise Bad("its proof is missing or not one")
    origin, size, root = parse_checkpoint(open_note(note, keys))
    if not includes(leaf, int(lines[1]), size, [_plain_base64(line) for line in lines[2].split()], root):
        raise Bad("its proof does not lead to the signed root of this log")
    return origin, size, int(lines[1])


def selection_of(bundle: Bundle, log: Log, keys: Keys) -> list[tuple[int, bytes, str]]:
    """The entries of a selection in their order, each with its C2SP tlog-proof checked."""
    found = []
    for name in sorted(name for name in bundle.names if name.startswith("entries/")):
        content = bundle.read(name) or b""
        digest = hashlib.sha256(b"\0" + content)
        try:
            origin, _, index = check_proof(bundle.text(f"proofs/{name[8:-5]}.tlog-proof"), digest.digest(), keys)
            if origin != log.origin:
                raise Bad("its proof is of another log")
            found.append((index, content, digest.hexdigest()))
        except Bad as error:
            log.find("entry", name, error)
    return sorted(found)


def verify(path: Path, trusted: Keys, say: Callable[[int, int], object]) -> dict[str, Any]:
    """Everything that the list at the top names. `say` hears of the progress. Raises NotABundle."""
    bundle = Bundle(path)
    manifest, log = bundle.manifest, Log(bundle, "")
    report: dict[str, Any] = {"kind": manifest.get("kind"), "trusted": bool(trusted), "heads": 0}
    try:
        keys = trusted or parse_keys(bundle.text("keys.txt"))
        log.origin, size, root = parse_checkpoint(open_note(bundle.text("checkpoint"), keys))
    except Bad as error:
        log.find("signature", "checkpoint", error)
        return {**report, **log.report()}
    if manifest.get("kind") == "selection":
        for index, content, digest in selection_of(bundle, log, keys):
            log.take(index, content, digest)
    else:
        hashes = []
        for first, contents, joined in entries_of(bundle, size, log):
            hashes.append(joined)
            digests = joined.hex()
            for offset, content in enumerate(contents):
                log.take(first + offset, content, digests[offset * 64 : offset * 64 + 64])
            say(first + len(contents), size)
        levels = tree_of(b"".join(hashes))
        check_tiles(bundle, log, levels)
        subtree = subtree_of(lambda level, number: levels[level][number * 8192 : number * 8192 + 8192])
        if root_at(size, subtree) != root:
            log.find("root", "checkpoint", "the entries do not lead to the signed root")
        report["heads"] = check_heads(bundle, size, log, keys, subtree)
    said = bundle.read("controls.json")
    there, counted = said and hashlib.sha256(said).hexdigest(), manifest.get("types", log.types)
    if there != manifest.get("controls") or counted != log.types:
        log.find("controls", "manifest.json", "the controls.json that it names or the types that it counts are others")
    log.finish(str(manifest.get("payloads", "all")))
    return {**report, **log.report()}


def receipt(path: Path, trusted: Keys) -> int:
    """Says of the receipts in a file (of the verdict, of the resolution) whether their entries are in the log; the exit
    code. Raises NotABundle, Bad."""
    try:
        given = json.loads(path.read_text())
        given = given.get("data", given)
        resolved = (given.get("resolution") or {}).get("receipt")
        receipts = [each for each in (given.get("receipt", given), resolved) if each]
        found = {bytes.fromhex(each["leaf_hash"]): each["proof"] for each in receipts}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotABundle(f"There is no receipt in {path}.") from error
    if not all(found.values()) or not trusted:
        print("UNDECIDED  " + ("An entry was not sealed yet: ask again." if trusted else "Give a key with --trust."))
        return 2
    for leaf, proof in found.items():
        origin, size, index = check_proof(str(proof), leaf, trusted)
        print(f"VERIFIED  {leaf.hex()} is entry {index} of {origin}, under a signed head of {size} entries.")
    return 0


# ---------------------------------------------------------------- watching a log
def watch(source: str, trusted: Keys, state: Path) -> str:
    """Demands that the log at `source` has grown from what `state` remembers, and remembers it. Raises Bad."""
    note = _fetch(source, "checkpoint").decode()
    origin, size, root = parse_checkpoint(open_note(note, trusted))

    @functools.cache
    def read(level: int, number: int) -> bytes:
        width = min(256, (size >> 8 * level) - number * 256)
        return _fetch(source, f"tile/{level}/{tile_path(number, width)}")

    subtree = subtree_of(read)
    if root_at(size, subtree) != root:
        raise Bad("the tiles do not lead to the signed root")
    if state.exists():
        old_origin, old, old_root = parse_checkpoint(open_note(state.read_text(), trusted))
        if old_origin != origin:
            raise Bad(f"this is another log: {origin}, not {old_origin}")
        if size < old:
            raise Bad(f"the log shrank from {old} to {size} entries")
        if root_at(old, subtree) != old_root:
            raise Bad(f"the first {old} entries are not what they were: the log was rewritten")
    state.write_text(note)
    return f"{origin}: {size} entries, and it only grew."


def _fetch(source: str, name: str) -> bytes:
    if not source.startswith(("http://", "https://")):
        return Bundle(Path(source)).read(name) or b""
    with urllib.request.urlopen(f"{source.rstrip('/')}/{name}", timeout=30) as answer:  # noqa: S310
        return bytes(answer.read())


# ---------------------------------------------------------------- the command
def aside(given: argparse.Namespace, trusted: Keys) -> int:
    """The exit code of `watch` and `receipt`. Raises NotABundle, Bad."""
    if given.bundle == "receipt":
        return receipt(Path(given.source), trusted)
    if given.bundle != "watch" or not (given.state and trusted):
        raise NotABundle("One bundle at a time; watch needs a source, --trust and --state.")
    print(watch(given.source, trusted, given.state))
    return 0


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="verify.py", description=(__doc__ or "").split("\n")[0], exit_on_error=False)
    parser.add_argument("bundle", help="the bundle; or `watch` and a bundle or log, or `receipt` and a file")
    parser.add_argument("source", nargs="?", help=argparse.SUPPRESS)
    parser.add_argument("--trust", type=Path, metavar="KEYFILE", help="public keys that came another way, one a line")
    parser.add_argument("--state", type=Path, metavar="FILE", help="where `watch` remembers the last head")
    parser.add_argument("--require-payloads", action="store_true", help="a withheld payload makes it undecidable")
    parser.add_argument("--json", action="store_true", help="the report as JSON")
    wrong = 3
    try:
        given = parser.parse_args(arguments)
        trusted, wrong = parse_keys(given.trust.read_text()) if given.trust else (), 1
        if given.source:
            return aside(given, trusted)
        stream = sys.stderr if sys.stderr.isatty() else None
        say = lambda done, of: stream and print(f"\r{done} of {of} entries", end="", file=stream, flush=True)  # noqa: E731
        report = verify(Path(given.bundle), trusted, say)
    except SystemExit as end:
        return 3 if end.code else 0
    except Bad as error:
        print(f"DOES NOT VERIFY  {error}")
        return wrong
    except (NotABundle, OSError, UnicodeDecodeError, argparse.ArgumentError) as error:
        print(f"This cannot be used: {error}", file=sys.stderr)
        return 3
    is_short = given.require_payloads and bool(report["counts"].get("withheld"))
    code = 1 if report["findings"] else 2 if not report["trusted"] or is_short else 0
    print(json.dumps({**report, "exit": code}, indent=2) if given.json else told(report, code))
    return code


RULES = frozenset(re.findall(r"[a-z-]+", " ".join(re.findall(r"^  ([a-z-]+(?:, [a-z]+)?)  ", __doc__ or "", re.M))))


def told(report: dict[str, Any], code: int) -> str:
    """The report in words."""
    counts, origin = report["counts"], report["origin"] or "(unknown)"
    lines = [f"{report['entries']} entries of the log {origin}, {report['heads']} earlier heads."]
    lines += [f"BROKEN  {each['rule']}: {each['where']}: {each['says']}" for each in report["findings"]]
    more = sum(number for name, number in counts.items() if name in RULES) - len(report["findings"])
    lines += [f"        and {more} more."] if more > 0 else []
    lines += [f"{number} {name}" for name, number in counts.items() if name not in RULES]
    if report["kind"] == "selection":
        lines.append("A selection: it says nothing about entries that are not in it.")
    if not report["trusted"]:
        lines.append("UNTRUSTED KEY: only the keys in the bundle itself were used. Give yours with --trust.")
    return "\n".join([*lines, {0: "VERIFIED", 1: "DOES NOT VERIFY", 2: "UNDECIDED"}[code]])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
