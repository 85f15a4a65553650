"""Outputs from a file, by the command line."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from governance.models import Entry, Output
from tests import cast
from tests.reviews.intake.sent import document, raw

pytestmark = pytest.mark.django_db


def run(file: Path | str, **options: Any) -> tuple[int, str]:
    """The exit code and what was printed."""
    out = io.StringIO()
    try:
        call_command("import_outputs", str(file), system="digits", stdout=out, stderr=io.StringIO(), **options)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_good_lines_go_in_and_bad_ones_are_written_with_their_reason(tmp_path: Path) -> None:
    cast.system()
    file = tmp_path / "outputs.jsonl"
    file.write_bytes(b"\n".join([raw("a"), b"{", b"", raw("b", surprise=1), raw("c"), raw("a", confidence=0.1)]))
    assert run(file) == (1, "2 taken in, 0 known already, 3 refused.\n")
    refused = [json.loads(line) for line in Path(f"{file}.rejected.jsonl").read_text().splitlines()]
    assert [(line["line"], line["code"]) for line in refused] == [(2, "malformed"), (4, "invalid"), (6, "conflict")]
    assert refused[1]["errors"][0]["pointer"] == "/surprise"
    assert json.loads(refused[1]["row"])["surprise"] == 1
    assert all(line["reason"].endswith(".") for line in refused)


def test_running_it_again_changes_nothing(tmp_path: Path) -> None:
    cast.system()
    file = tmp_path / "outputs.jsonl"
    lines = [raw(f"n{number}", confidence=number % 100 / 100) for number in range(2_300)]
    file.write_bytes(b"\n".join(lines[:1_200]))
    assert run(file) == (0, "1,200 taken in, 0 known already, 0 refused.\n")
    file.write_bytes(b"\n".join(lines))
    assert run(file) == (0, "1,100 taken in, 1,200 known already, 0 refused.\n")
    count = Entry.objects.count()
    assert run(file) == (0, "0 taken in, 2,300 known already, 0 refused.\n")
    assert Entry.objects.count() == count
    assert not Path(f"{file}.rejected.jsonl").exists()


def test_a_line_that_names_no_system_means_the_one_of_the_command(tmp_path: Path) -> None:
    cast.system()
    nameless = {name: value for name, value in document("a").items() if name != "system"}
    file = tmp_path / "outputs.jsonl"
    file.write_text("\n".join([json.dumps(nameless), json.dumps(document("b", system="letters")), "{}"]))
    assert run(file) == (1, "1 taken in, 0 known already, 2 refused.\n")


def test_the_columns_of_a_csv_fill_the_places_they_name(tmp_path: Path) -> None:
    cast.system()
    file = tmp_path / "outputs.csv"
    file.write_text(
        "\ufeffexternal_id,confidence,model,model_version,input.email,output.digit,attributes.channel,explanation\n"
        '7,0.95,lr,3.10,kim@example.org,3,chat,"two\nlines, ""quoted"""\n'
        "8,,lr,3.10,,4,,\n"
        "9,NaN,lr,3.10,,seven,,\n"
        "10,0.9,lr\n"
    )
    assert run(file) == (1, "3 taken in, 0 known already, 1 refused.\n")
    seven = Output.objects.select_related("content").get(external_id="7")
    assert (seven.confidence, seven.model_version) == (950_000, "3.10")
    assert (json.loads(seven.content.input), json.loads(seven.content.answer)) == (
        {"email": "kim@example.org"},
        {"digit": 3},
    )
    assert json.loads(seven.content.context)["explanation"] == 'two\nlines, "quoted"'
    assert [Output.objects.get(external_id=name).rule for name in ("8", "9")] == ["confidence", "contract"]
    refused = json.loads(Path(f"{file}.rejected.jsonl").read_text())
    assert refused["line"] == 6
    assert refused["reason"] == "This row has 3 cells, the header 8."


@pytest.mark.parametrize("header", ["id,output", "external_id,secret.x", "external_id,output,output", "output", ""])
def test_a_csv_whose_header_fits_no_output_is_refused_whole(tmp_path: Path, header: str) -> None:
    cast.system()
    file = tmp_path / "outputs.csv"
    file.write_text(f"{header}\n1,2,3\n")
    with pytest.raises(CommandError) as caught:
        run(file)
    assert caught.value.returncode == 2
    assert not Output.objects.exists()


def test_a_dash_reads_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    cast.system()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(raw("a") + b"\n" + raw("b"))))
    assert run("-") == (0, "2 taken in, 0 known already, 0 refused.\n")


def test_a_system_or_file_that_is_not_there_ends_with_2(tmp_path: Path) -> None:
    with pytest.raises(CommandError) as no_system:
        run(tmp_path / "outputs.jsonl")
    cast.system()
    with pytest.raises(CommandError) as no_file:
        run(tmp_path / "outputs.jsonl")
    assert (no_system.value.returncode, no_file.value.returncode) == (2, 2)
