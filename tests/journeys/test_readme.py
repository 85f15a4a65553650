"""The README's own lines, run as they stand: a system file applied, an output sent with curl, another with Python."""

import re
import subprocess
from pathlib import Path
from textwrap import dedent

import httpx
import pytest

from governance.models import Output, System

PROJECT = Path(__file__).parents[2]
FILE = """
countersign: 1
system: {slug: my-system, name: Mine, purpose: Routes messages, risk_tier: limited, owner: me}
contract:
  version: 1.0.0
  input: {type: object}
  output: {type: object}
  correct_when: [/output/intent]
policy:
  risk: {target: 0.02, confidence: 0.95, costs: {wrong_release: 40, review: 1.5, currency: EUR}}
  threshold: {default: 0.9}
  audit: {rate: 0, hold: false}
  routing: {default: {queue: general}, queues: {general: {mode: pull}}}
  sla: {due_in: PT4H}
  review: {undo_seconds: 8, reasons: [{code: wrong, label: Wrong}]}
"""


@pytest.mark.journey
def test_an_output_is_sent_as_the_readme_says(
    live_site: str, committed_environment: dict[str, str], tmp_path: Path
) -> None:
    section = (PROJECT / "README.md").read_text().split("## Send your own outputs")[1].split("\n## ")[0]
    before, python, _ = re.split(r"```(?:python)?\n", section, maxsplit=2)
    shell = dedent("\n".join(re.findall(r"(?m)^    .*$", before)))
    (tmp_path / "my-system.yaml").write_text(FILE)
    here = shell.replace("localhost:8000", live_site.removeprefix("http://"))
    script = here.replace("my-system.yaml", f"{tmp_path}/my-system.yaml")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f'{script}\necho; echo "$KEY"'], cwd=PROJECT, env=committed_environment,
        capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    key = done.stdout.strip().splitlines()[-1]
    sent = Output.objects.get(external_id="msg-1")
    assert (sent.system, sent.status) == (System.objects.get(slug="my-system"), "in_review")

    output = {
        "system": "my-system", "external_id": "msg-2", "input": {"text": "Where is my card?"},
        "output": {"intent": "card_arrival"}, "confidence": 0.97, "model": "intent-lr", "model_version": "3.1",
    }  # fmt: skip
    known = {"KEY": key, "output": output, "httpx": httpx}
    exec(python.replace("http://localhost:8000", live_site), known)
    assert known["act_on"] == {"intent": "card_arrival"}
