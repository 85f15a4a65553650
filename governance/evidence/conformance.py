"""Published test vectors of the formats that the log speaks, run on this program and on its stand-alone verifier.

The vectors lie in a folder of whoever asks; none is part of this project. Files in form and place as their authors
publish them: RFC 6962 roots, proofs of transparency-dev/merkle, a tiled log of Tessera, signed notes, a Rekor entry,
RFC 8785 pairs, Ed25519 edge cases of C2SP/CCTV.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from governance.evidence import leaf, merkle, note, tiles, verifier
from governance.evidence.checkpoint import Checkpoint


@dataclass
class Tally:
    """How the vectors of one source went: how many there are, and what went otherwise."""

    source: str
    total: int = 0
    wrong: list[str] = field(default_factory=list)

    def expect(self, is_right: bool, what: object) -> None:
        self.total += 1
        if not is_right:
            self.wrong.append(str(what))


def run(folder: Path) -> Iterator[Tally]:
    """A tally for each source, in a fixed order; one of no vectors where a source is not in the folder."""
    for name, check in _SOURCES.items():
        tally = Tally(name)
        check(folder, tally)
        yield tally


def _roots(folder: Path, tally: Tally) -> None:
    for path in folder.glob("rfc6962_reference.json"):
        found = json.loads(path.read_text())
        leaves = [leaf.leaf_hash(bytes.fromhex(text)) for text in found["leaf_inputs_hex"]]
        for size, root in enumerate(found["roots_hex_by_size"]):
            levels = verifier.tree_of(b"".join(leaves[:size]))
            own = verifier.root_at(size, verifier.subtree_of(_first_tile_of(levels)))
            tally.expect(merkle.root_of(leaves[:size]).hex() == root == own.hex(), f"the root of {size} leaves")
        tally.expect(merkle.EMPTY.hex() == found["hasher"]["empty_root"], "the empty root")
        tally.expect(leaf.leaf_hash(b"L123456").hex() == found["hasher"]["leaf('L123456')"], "a leaf")
        tally.expect(merkle.node(b"N123", b"N456").hex() == found["hasher"]["node('N123','N456')"], "a node")


def _first_tile_of(levels: list[bytes]) -> Callable[[int, int], bytes]:
    return lambda level, number: levels[level]


def _inclusion(folder: Path, tally: Tally) -> None:
    for path in sorted(folder.glob("transparency-dev-merkle/testdata/inclusion/**/*.json")):
        case = json.loads(path.read_text())
        hash, root, proof = (
            _bytes(case["leafHash"]),
            _bytes(case["root"]),
            [_bytes(part) for part in case["proof"] or ()],
        )
        for includes in (merkle.includes, verifier.includes):
            is_in = includes(hash, case["leafIdx"], case["treeSize"], proof, root)
            tally.expect(is_in is not case["wantErr"], f"{path.parent.name}/{path.name}")


def _consistency(folder: Path, tally: Tally) -> None:
    for path in sorted(folder.glob("transparency-dev-merkle/testdata/consistency/**/*.json")):
        case = json.loads(path.read_text())
        proof = [_bytes(part) for part in case["proof"] or ()]
        roots = _bytes(case["root1"]), _bytes(case["root2"])
        is_so = merkle.is_consistent(case["size1"], case["size2"], *roots, proof)
        tally.expect(is_so is not case["wantErr"], f"{path.parent.name}/{path.name}")


def _tiled_log(folder: Path, tally: Tally) -> None:
    key = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
    log = folder / "tessera-testlog/testdata/log"
    for path in sorted(log.glob("checkpoint*")):
        signed = path.read_text()
        head = Checkpoint.parse(note.open(signed, [note.Key.parse(key)]).text)
        tally.expect(verifier.open_note(signed, verifier.parse_keys(key)) == head.text, path.name)
        if head.size:
            place = tiles.path(0, head.size)
            hashes = tiles.split((log / "tile/0" / place).read_bytes())
            entries = tiles.unbundle((log / "tile/entries" / place).read_bytes())
            tally.expect(merkle.root_of(hashes) == head.root, f"the tile under {path.name}")
            tally.expect([leaf.leaf_hash(entry) for entry in entries] == hashes, f"the entries under {path.name}")


def _notes(folder: Path, tally: Tally) -> None:
    for path in folder.glob("signed_note_cases.json"):
        found = json.loads(path.read_text())
        for case in found["cases"]:
            tally.expect(_opens(case["note"], case["vkeys"]) is case["ok"], case["desc"])
        for text in found["bad_vkeys"]:
            tally.expect(not _accepts(note.Key.parse, text) and not _accepts(verifier.parse_key, text), text)


def _opens(text: str, keys: list[str]) -> bool:
    is_open = _accepts(lambda: note.open(text, [note.Key.parse(key) for key in keys]))
    return (
        is_open
        if _accepts(lambda: verifier.open_note(text, verifier.parse_keys("\n".join(keys)))) is is_open
        else not is_open
    )


def _rekor(folder: Path, tally: Tally) -> None:
    for path in folder.glob("sigstore-rekor/*.sigstore.json"):
        key = (path.parent / "vkey.txt").read_text()
        for entry in json.loads(path.read_text())["verificationMaterial"]["tlogEntries"]:
            body, proof = _bytes(entry["canonicalizedBody"]), entry["inclusionProof"]
            signed = proof["checkpoint"]["envelope"]
            head = Checkpoint.parse(note.open(signed, [note.Key.parse(key)]).text)
            tally.expect(verifier.open_note(signed, verifier.parse_keys(key)) == head.text, "the checkpoint")
            path_up = [_bytes(part) for part in proof["hashes"]]
            is_in = merkle.includes(leaf.leaf_hash(body), int(proof["logIndex"]), head.size, path_up, head.root)
            tally.expect(is_in, "the inclusion proof")
            tally.expect(_written(json.loads(body)) == body, "the canonical body")


def _canonical(folder: Path, tally: Tally) -> None:
    """The log's own form is RFC 8785 without what languages disagree on, so a pair is met exactly or refused."""
    for path in sorted(folder.glob("jcs/testdata/input/*.json")):
        wanted = (folder / "jcs/testdata/output" / path.name).read_bytes()
        said = json.loads(path.read_text())
        try:
            leaf.check(said)
        except leaf.MalformedLeaf:
            tally.expect(not _accepts(verifier.read_entry, wanted), path.name)
        else:
            tally.expect(_written(said) == wanted, path.name)


def _ed25519(folder: Path, tally: Tally) -> None:
    """Both have to agree on every signature under a key that both accept; keys with a flaw are refused by both."""
    for path in folder.glob("cctv-ed25519/ed25519vectors.json"):
        for case in json.loads(path.read_text()):
            public, signature, message = bytes.fromhex(case["key"]), bytes.fromhex(case["sig"]), case["msg"].encode()
            flaws = {"low_order_A", "non_canonical_A"} & set(case["flags"] or ())
            is_usable = note.is_usable(public)
            tally.expect(
                is_usable is not bool(flaws) and verifier.is_usable(public) is is_usable, f"key {case['number']}"
            )
            if is_usable:
                own = verifier.is_signed(public, message, signature)
                theirs = _accepts(lambda p=public, m=message, s=signature: _openssl(p, m, s))
                tally.expect(own is theirs, f"signature {case['number']}")


def _openssl(public: bytes, message: bytes, signature: bytes) -> None:
    note.Key("vector", public).verify(message.decode(), signature)


def _accepts(call: Callable[..., Any], *arguments: Any) -> bool:
    try:
        call(*arguments)
    except (ValueError, verifier.Bad):
        return False
    return True


def _written(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _bytes(text: str | None) -> bytes:
    return base64.b64decode(text) if text else b""


_SOURCES: Final[dict[str, Callable[[Path, Tally], None]]] = {
    "RFC 6962 roots": _roots,
    "inclusion proofs (transparency-dev/merkle)": _inclusion,
    "consistency proofs (transparency-dev/merkle)": _consistency,
    "a tiled log (Tessera)": _tiled_log,
    "signed notes": _notes,
    "a Rekor v2 entry": _rekor,
    "RFC 8785 pairs": _canonical,
    "Ed25519 edge cases (C2SP/CCTV)": _ed25519,
}
