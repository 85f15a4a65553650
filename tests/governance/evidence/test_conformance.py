"""`manage.py log_conformance DIR`: it passes right vectors, and says which one is wrong."""

import base64
import io
import json
from pathlib import Path

import pymerkle
import pytest
from django.core.management import call_command

from governance.evidence import merkle, note
from governance.evidence.leaf import leaf_hash
from governance.evidence.note import Signer


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.fixture
def folder(tmp_path) -> Path:
    """Vectors of our own making, their roots by an independent library."""
    leaves = [str(number).encode() for number in range(5)]
    roots = [merkle.EMPTY.hex()]
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for each in leaves:
        tree.append_entry(each)
        roots.append(tree.get_root().hex())
    (tmp_path / "rfc6962_reference.json").write_text(json.dumps({
        "leaf_inputs_hex": [each.hex() for each in leaves], "roots_hex_by_size": roots,
        "hasher": {
            "empty_root": roots[0], "leaf('L123456')": leaf_hash(b"L123456").hex(),
            "node('N123','N456')": merkle.node(b"N123", b"N456").hex(),
        },
    }))  # fmt: skip
    probes = tmp_path / "transparency-dev-merkle/testdata/inclusion/0"
    probes.mkdir(parents=True)
    hashes = [leaf_hash(each) for each in leaves]
    for index, name in ((1, "right"), (2, "wrong")):
        (probes / f"{name}.json").write_text(json.dumps({
            "leafIdx": index, "treeSize": 2, "root": text(merkle.root_of(hashes[:2])), "leafHash": text(hashes[1]),
            "proof": [text(hashes[0])], "wantErr": name == "wrong",
        }))  # fmt: skip
    signer = Signer.make("example.org/log")
    signed = note.make("some text\n", [signer])
    (tmp_path / "signed_note_cases.json").write_text(json.dumps({
        "cases": [
            {"desc": "right", "note": signed, "vkeys": [str(signer.key)], "ok": True},
            {"desc": "wrong", "note": signed.replace("some", "other"), "vkeys": [str(signer.key)], "ok": False},
        ],
        "bad_vkeys": [str(signer.key)[:-4]],
    }))  # fmt: skip
    return tmp_path


def run(folder: Path) -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command("log_conformance", str(folder), stdout=out)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_right_vectors_pass(folder):
    code, said = run(folder)
    assert code == 0, said
    assert "9/9  RFC 6962 roots" in said
    assert "4/4  inclusion proofs" in said
    assert "3/3  signed notes" in said
    assert "0/0  a Rekor v2 entry  (not in this folder)" in said


def test_a_vector_that_goes_otherwise_is_named(folder):
    path = folder / "transparency-dev-merkle/testdata/inclusion/0/wrong.json"
    path.write_text(path.read_text().replace("true", "false"))
    code, said = run(folder)
    assert code == 1
    assert "otherwise: 0/wrong.json" in said


def test_a_folder_without_vectors_proves_nothing(tmp_path):
    assert run(tmp_path)[0] == 1
