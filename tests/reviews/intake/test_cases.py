"""Which case an output belongs to: what tuning counts once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from governance.models import Output, System
from governance.people.actors import CONSOLE
from governance.refusals import Invalid
from reviews import intake
from tests import cast

pytestmark = pytest.mark.django_db


def sent(system: System, *attributes: Any, **parts: Any) -> list[int | None]:
    bodies = [
        intake.read(json.dumps({
            "system": system.slug, "external_id": f"{len(attributes)}-{number}", "input": {}, "output": {"digit": 7},
            "attributes": each, **parts,
        }).encode())
        for number, each in enumerate(attributes)
    ]  # fmt: skip
    ids = [taken.id for taken in intake.accept(bodies, system=system, actor=CONSOLE)]  # type: ignore[union-attr]
    rows = dict(Output.objects.values_list("pk", "case_key"))
    return [rows[id] for id in ids]


def test_outputs_that_name_the_same_case_have_the_same_number_one_by_one_and_in_a_batch() -> None:
    system = cast.system()
    (alone,) = sent(system, {"case": "A-1"})
    first, second, other = sent(system, {"case": "A-1"}, {"case": "A-1"}, {"case": "A-2"})
    assert alone is not None
    assert alone == first == second != other


@pytest.mark.parametrize("attributes", [{}, {"case": None}, {"case": ""}, {"case": True}, {"case": {"id": 1}}])
def test_what_names_no_case_stands_by_itself(attributes: dict[str, Any]) -> None:
    assert sent(cast.system(), attributes) == [None]


def test_the_contract_says_where_the_case_is_named() -> None:
    system = cast.system(contract_parts={"case": "/input/email"})
    (first,) = sent(system, {"case": "A-1"}, input={"email": "a@example.org"})
    again, other = sent(system, {"case": "B-1"}, {"case": "B-2"}, input={"email": "a@example.org"})
    assert first == again == other is not None


def test_a_case_is_named_by_input_output_or_attributes_and_nothing_else() -> None:
    with pytest.raises(Invalid):
        cast.bare_system(case="/received/hour")
