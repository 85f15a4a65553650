"""Whoever hands out a bundle: what she can change in it, and under which name the verifier finds it."""

import json
from typing import Any

import pytest

from governance.evidence import leaf, merkle, note, tiles, verifier
from governance.evidence.checkpoint import Checkpoint
from governance.evidence.note import Signer
from tests.governance.evidence import archives, journey
from tests.governance.evidence.sealing import Sealer

Members = dict[str, bytes]


@pytest.fixture
def sealer(db, tmp_path, settings) -> Sealer:
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    journey.run()
    sealer = Sealer(tmp_path / "sealer")
    sealer.all(limit=20)
    return sealer


@pytest.fixture
def members(sealer) -> Members:
    return archives.made()


def leaves(members: Members) -> list[bytes]:
    (name,) = [name for name in members if name.startswith("tile/entries/")]
    return tiles.unbundle(members[name])


def rebuilt(members: Members, found: list[bytes], signers: list[Signer]) -> Members:
    """The bundle of a log of these entries: tiles, root and head made anew, as somebody with the key can."""
    kept = {name: content for name, content in members.items() if not name.startswith(("tile/", "checkpoint"))}
    hashes = [leaf.leaf_hash(entry) for entry in found]
    manifest = json.loads(members["manifest.json"])
    del manifest["types"]  # a forger would count anew; a bundle without a count is read all the same
    assert len(hashes) < 256
    place = tiles.path(0, len(hashes))
    head = Checkpoint(verifier.parse_checkpoint(members["checkpoint"].decode())[0], len(hashes), merkle.root_of(hashes))
    return {
        **kept, f"tile/entries/{place}": tiles.bundle(found), f"tile/0/{place}": b"".join(hashes),
        "checkpoint": note.make(head.text, signers).encode(), "checkpoints.txt": b"",
        "manifest.json": json.dumps(manifest).encode(),
    }  # fmt: skip


def edited(members: Members, type: str, change: Any) -> list[bytes]:
    """The entries, the first of that type changed."""
    found = leaves(members)
    for place, content in enumerate(found):
        entry = json.loads(content)
        if entry["type"] == type:
            change(entry)
            found[place] = leaf.leaf_bytes(entry)
            return found
    raise AssertionError(type)


def flipped(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


def by_name(members: Members, start: str, end: str = "") -> str:
    return next(name for name in members if name.startswith(start) and name.endswith(end))


CHANGED = {
    "an entry": ("tile/entries/", "entry"), "a tile": ("tile/0/", "entry"), "the head": ("checkpoint", "signature"),
    "a policy document": ("policies/", "policy"), "a payload": ("payloads/", "commitment"),
    "an earlier head": ("checkpoints.txt", "checkpoint"),
}  # fmt: skip


@pytest.mark.parametrize(("start", "rule"), CHANGED.values(), ids=CHANGED.keys())
def test_one_bit_changed_anywhere_is_found_and_named(members, sealer, tmp_path, start, rule):
    name = by_name(members, start)
    members[name] = (
        flipped(members[name]) if start != "checkpoints.txt" else members[name].replace(b"\n20\n", b"\n21\n")
    )
    assert rule in archives.rules(archives.checked(members, tmp_path, sealer.keys))


@pytest.mark.parametrize("start", ["tile/entries/", "tile/0/", "policies/", "payloads/", "checkpoint"])
def test_one_file_taken_away_is_found(members, sealer, tmp_path, start):
    del members[by_name(members, start)]
    assert archives.rules(archives.checked(members, tmp_path, sealer.keys))


def test_a_salt_changed_is_found(members, sealer, tmp_path):
    name = by_name(members, "payloads/", "/comment")
    members[name] = b"0" * 64 + members[name][64:]
    assert archives.rules(archives.checked(members, tmp_path, sealer.keys)) == {"commitment"}


def test_another_key_in_the_bundle_is_no_use_to_the_forger(members, sealer, tmp_path):
    stranger = Signer.make(sealer.origin)
    forged = {**rebuilt(members, leaves(members), [stranger]), "keys.txt": str(stranger.key).encode()}
    assert archives.rules(archives.checked(forged, tmp_path, sealer.keys)) == {"signature"}
    # Whoever trusts the key in the bundle sees nothing wrong, which is why she is told that it is untrusted.
    assert archives.checked(forged, tmp_path, [])["trusted"] is False


def swap(found: list[bytes]) -> list[bytes]:
    return [*found[:10], found[11], found[10], *found[12:]]


REWRITTEN = {
    "an entry deleted": (lambda found: found[:30] + found[31:], {"chain", "cause"}),
    "two entries swapped": (lambda found: found[::-1], {"chain", "cause"}),
    "an entry twice": (lambda found: [*found, found[-1]], {"unique"}),
}  # fmt: skip


@pytest.mark.parametrize(("change", "rules"), REWRITTEN.values(), ids=REWRITTEN.keys())
def test_even_with_the_stolen_key_the_chains_tell(members, sealer, tmp_path, change, rules):
    forged = rebuilt(members, change(leaves(members)), sealer.signers)
    assert rules & archives.rules(archives.checked(forged, tmp_path, sealer.keys))


def say(**members: Any):
    return lambda entry: entry.update(members)


def of_gate(**members: Any):
    return lambda entry: entry["gate"].update(members)


STOLEN = {
    "a lane": ("judged", of_gate(lane="block"), "gate"),
    "a rule": ("judged", of_gate(rule="asks"), "gate"),
    "a threshold": ("judged", of_gate(threshold=1), "gate"),
    "the audit": ("judged", lambda entry: entry["gate"].update(audit=not entry["gate"]["audit"]), "gate"),
    "the propensity": ("judged", of_gate(propensity=1), "gate"),
    "a condition": ("judged", of_gate(conditions=[{"rule": "asks", "result": True}]), "gate"),
    "a breach": ("judged", of_gate(breached=True), "gate"),
    "the time": ("decided", say(at="2025-01-01T00:00:00.000000Z"), "back-dated"),
    "a model let in by a lead": ("model_admitted", lambda entry: entry["actor"].update(roles=["lead"]), "duties"),
    "a machine that decides": ("decided", lambda entry: entry["actor"].update(kind="machine"), "duties"),
    "a person without the role": ("decided", lambda entry: entry["actor"].update(roles=["auditor"]), "duties"),
    "a day that there is not": ("decided", say(at="2026-02-30T00:00:00.000000Z"), "schema"),
    "another log": ("decided", say(log="log.example/other"), "schema"),
    "no decision": ("decided", lambda entry: entry.pop("decision"), "schema"),
    "another version": ("decided", lambda entry: entry["policy"].update(version=9), "policy"),
    "another policy in force": ("decided", lambda entry: entry["policy"].update(entry="0" * 64), "policy"),
    "a signature's role": ("approved", lambda entry: entry["detail"].update(role="owner"), "four-eyes"),
    "a signature by nobody": ("approved", lambda entry: entry["actor"].update(kind="machine"), "four-eyes"),
    "a commitment": ("decided", say(commitments=[]), "chain"),
}  # fmt: skip


@pytest.mark.parametrize(("type", "change", "rule"), STOLEN.values(), ids=STOLEN.keys())
def test_an_entry_edited_with_the_stolen_key_is_found_by_what_it_says(members, sealer, tmp_path, type, change, rule):
    forged = rebuilt(members, edited(members, type, change), sealer.signers)
    assert rule in archives.rules(archives.checked(forged, tmp_path, sealer.keys))


def test_a_release_of_a_model_that_nobody_let_in_is_found(members, sealer, tmp_path):
    """The entry that let it in is the second cause of what its policy then judged; somebody takes it out."""
    found = leaves(members)
    (place,) = [n for n, each in enumerate(map(json.loads, found)) if each["type"] == "judged" and each["causes"][1:]]
    entry = json.loads(found[place])
    entry["causes"] = entry["causes"][:1]
    found[place] = leaf.leaf_bytes(entry)
    assert "gate" in archives.rules(archives.checked(rebuilt(members, found, sealer.signers), tmp_path, sealer.keys))


def test_a_policy_that_its_proposer_signed_is_found(members, sealer, tmp_path):
    proposer = next(json.loads(entry) for entry in leaves(members) if json.loads(entry)["type"] == "proposed")["actor"]
    forged = rebuilt(
        members, edited(members, "approved", say(actor={**proposer, "roles": ["approver"]})), sealer.signers
    )
    assert "four-eyes" in archives.rules(archives.checked(forged, tmp_path, sealer.keys))


def test_a_policy_put_in_force_without_its_signatures_is_found(members, sealer, tmp_path):
    found = [entry for entry in leaves(members) if json.loads(entry)["type"] != "approved"]
    assert "four-eyes" in archives.rules(
        archives.checked(rebuilt(members, found, sealer.signers), tmp_path, sealer.keys)
    )


@pytest.mark.parametrize(
    ("written", "rule"),
    [(b'{"v": 1}', "canonical"), (b'{"v":1.5}', "canonical"), (b'{"V":1}', "canonical"), (b"\xff", "canonical"),
     (b'{"v":9007199254740993}', "canonical"), (b'{"b":1,"a":2}', "canonical"), (b'{"v":1}', "schema"),
     (b"[]", "canonical")],
)  # fmt: skip
def test_an_entry_in_another_form_is_found(members, sealer, tmp_path, written, rule):
    forged = rebuilt(members, [*leaves(members), written], sealer.signers)
    assert rule in archives.rules(archives.checked(forged, tmp_path, sealer.keys))


def test_a_log_rewritten_whole_with_the_stolen_key_is_found_by_who_kept_a_head(members, sealer, tmp_path):
    """Nothing in the log itself can show it: whoever has seen an older head can."""
    trusted = verifier.parse_keys(str(sealer.keys[0]))
    honest = archives.kept(members, tmp_path / "honest.zip")
    state = tmp_path / "seen.txt"
    verifier.watch(str(honest), trusted, state)
    harmless = {"person_created", "role_granted", "system_registered", "contract_registered"}
    found = [entry for entry in leaves(members) if json.loads(entry)["type"] in harmless]
    forged = rebuilt(members, found, sealer.signers)
    assert archives.checked(forged, tmp_path, sealer.keys)["findings"] == []
    with pytest.raises(verifier.Bad, match=r"shrank|rewritten"):
        verifier.watch(str(archives.kept(forged, tmp_path / "forged.zip")), trusted, state)


def test_the_same_length_and_the_stolen_key_do_not_help(members, sealer, tmp_path):
    trusted = verifier.parse_keys(str(sealer.keys[0]))
    state = tmp_path / "seen.txt"
    verifier.watch(str(archives.kept(members, tmp_path / "honest.zip")), trusted, state)
    forged = rebuilt(members, swap(leaves(members)), sealer.signers)
    with pytest.raises(verifier.Bad, match="rewritten"):
        verifier.watch(str(archives.kept(forged, tmp_path / "forged.zip")), trusted, state)


def test_a_payload_missing_without_an_erasure_is_found(members, sealer, tmp_path):
    del members[by_name(members, "payloads/", "/comment")]
    assert archives.rules(archives.checked(members, tmp_path, sealer.keys)) == {"erased"}
