"""`manage.py apply`: a file is made true, once, and says what it changed."""

import io
import json
from pathlib import Path

import pytest
import yaml
from django.core.management import CommandError, call_command

from governance.models import ContractVersion, Entry, Person, PolicyVersion, System
from governance.policies import followers, registry
from tests import cast

pytestmark = pytest.mark.django_db


def file(folder: Path, slug: str = "digits", *, tier: str = "limited", owner: str = "forms", **blocks: object) -> str:
    document = {
        "countersign": 1,
        "system": {"slug": slug, "name": slug.title(), "purpose": "Reads.", "risk_tier": tier, "owner": owner},
        "contract": cast.contract(),
        "policy": cast.policy(**blocks),
    }
    path = folder / f"{slug}.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return str(path)


def apply(*args: str) -> list[str]:
    out = io.StringIO()
    call_command("apply", *args, stdout=out, stderr=io.StringIO())
    return out.getvalue().splitlines()


def refused(*args: str) -> tuple[CommandError, str]:
    err = io.StringIO()
    with pytest.raises(CommandError) as raised:
        call_command("apply", *args, stdout=io.StringIO(), stderr=err)
    return raised.value, err.getvalue()


def test_in_an_empty_installation_it_makes_the_owner_whom_the_file_names(tmp_path: Path) -> None:
    lines = apply(file(tmp_path, owner="Support Product"))
    owner = Person.objects.get()
    assert (owner.email, owner.name) == ("support-product@localhost", "Support Product")
    assert not owner.has_usable_password()
    assert lines[1:] == ["digits: system registered", "digits: contract 1.0.0 registered",
                         "digits: policy 1 proposed (loosens); it needs the signature of an approver"]  # fmt: skip
    assert PolicyVersion.objects.get().proposer == owner
    assert registry.in_force("digits") is None


def test_several_files_of_an_empty_installation_have_an_owner_each(tmp_path: Path) -> None:
    apply(
        file(tmp_path, "digits", owner="forms"),
        file(tmp_path, "letters", owner="forms"),
        file(tmp_path, "cards", owner="bank"),
    )
    assert set(Person.objects.values_list("name", flat=True)) == {"forms", "bank"}
    assert System.objects.count() == 3


def test_the_same_file_again_changes_nothing(tmp_path: Path) -> None:
    dana = cast.dana()
    path = file(tmp_path)
    apply(path, "--as", dana.email)
    before = Entry.objects.count()
    assert apply(path, "--as", dana.email) == ["digits: nothing changed"]
    assert Entry.objects.count() == before


def test_once_somebody_has_an_account_one_has_to_say_who_one_is(tmp_path: Path) -> None:
    cast.dana()
    error, _ = refused(file(tmp_path))
    assert "--as EMAIL" in str(error)
    assert error.returncode == 2
    error, _ = refused(file(tmp_path), "--as", "nobody@example.org")
    assert "Nobody has an account" in str(error)
    assert error.returncode == 1


@pytest.mark.parametrize("who", ["alice", "erik", "eve", "eng"])
def test_only_an_owner_applies_a_file(tmp_path: Path, who: str) -> None:
    refused(file(tmp_path), "--as", getattr(cast, who)().email)
    assert not System.objects.exists()


def test_activate_puts_the_first_policy_in_force_unapproved_and_needs_a_reason(tmp_path: Path) -> None:
    dana, path = cast.dana(), file(tmp_path)
    error, _ = refused(path, "--as", dana.email, "--activate")
    assert error.returncode == 2
    assert not System.objects.exists()
    lines = apply(path, "--as", dana.email, "--activate", "--because", "The first day.")
    assert lines[-1] == "digits: policy 1 put in force, not approved yet"
    found = registry.in_force("digits")
    assert found
    assert found.is_unapproved
    assert apply(path, "--as", dana.email, "--activate", "--because", "Again.") == ["digits: nothing changed"]


def test_activate_never_replaces_a_policy_that_is_in_force(tmp_path: Path) -> None:
    cast.system()
    lines = apply(
        file(tmp_path, threshold={"default": 0.5}), "--as", cast.dana().email, "--activate", "--because", "Now."
    )
    assert lines[-1].startswith("digits: policy 2 proposed (loosens)")
    found = registry.in_force("digits")
    assert found
    assert found.number == 1


def test_a_mistake_in_the_last_file_leaves_the_first_undone_too(tmp_path: Path) -> None:
    good, bad = file(tmp_path, "digits"), file(tmp_path, "letters", threshold={"default": 2})
    error, told = refused(good, bad, "--as", cast.dana().email)
    assert error.returncode == 1
    assert not System.objects.exists()
    line = Path(bad).read_text().splitlines().index("  threshold:") + 2
    assert f"{bad}:{line}: policy.threshold.default" in told


def test_a_refusal_of_one_part_takes_back_the_others(tmp_path: Path) -> None:
    cast.bare_system()
    path = Path(file(tmp_path))
    document = yaml.safe_load(path.read_text())
    document["system"]["name"] = "Renamed"
    document["contract"]["personal_data"] = []
    path.write_text(json.dumps(document))
    error, _ = refused(str(path), "--as", cast.dana().email)
    assert "new version" in str(error)
    assert System.objects.get().name == "Digits"
    assert ContractVersion.objects.count() == 1


def test_a_file_that_is_not_there_is_told_plainly(tmp_path: Path) -> None:
    error, _ = refused(str(tmp_path / "none.yaml"), "--as", cast.dana().email)
    assert "cannot be read" in str(error)


def test_the_order_of_the_contracts_properties_is_kept_for_the_correction_form(tmp_path: Path) -> None:
    path = Path(file(tmp_path))
    document = yaml.safe_load(path.read_text())
    document["contract"]["output"]["properties"] = {name: {"type": "string"} for name in ("zeta", "alpha", "digit")}
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    apply(str(path), "--as", cast.dana().email)
    schema = registry.compiled_contract(ContractVersion.objects.get().pk).output_schema
    assert list(schema["properties"]) == ["zeta", "alpha", "digit"]


def test_the_webhooks_of_a_file_are_made_once_and_their_secret_is_shown_once(tmp_path: Path) -> None:
    path, dana = Path(file(tmp_path)), cast.dana()
    hook = {"url": "https://hooks.example.org/a", "events": ["output.resolved"]}
    path.write_text(path.read_text() + yaml.safe_dump({"webhooks": [hook]}))
    assert "made; its secret, shown this once: whsec_" in apply(str(path), "--as", dana.email)[-1]
    assert apply(str(path), "--as", dana.email) == ["digits: nothing changed"]


def test_what_else_a_file_says_is_done_by_those_who_follow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(followers, "_applied", [])
    followers.on_applied(lambda system, file, by: [f"{len(file.webhooks)} webhooks for {system.slug}"])
    assert apply(file(tmp_path), "--as", cast.dana().email)[-1] == "digits: 0 webhooks for digits"
