"""The API keeps its own description: made-up requests, sound and unsound, get an answer that it names.

Schemathesis makes them up, the same in every run. COUNTERSIGN_API_EXAMPLES=1000 tries more of them.
"""

import os
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.generation.coverage import GenerationSession
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from tests.journeys.described import API, OPERATIONS, Visitor

EXAMPLES = int(os.environ.get("COUNTERSIGN_API_EXAMPLES", "10"))
CHECKS = [
    status_code_conformance, content_type_conformance, response_headers_conformance, response_schema_conformance,
    unsupported_method,
]  # fmt: skip
# Its answer is 200 whatever its lines are: each line has a status of its own.
BY_LINE = "POST /api/v1/outputs/batch/"


def checks(label: str) -> list:
    return CHECKS if label == BY_LINE else [*CHECKS, negative_data_rejection]


@pytest.mark.django_db
@pytest.mark.parametrize("label", sorted(OPERATIONS))
def test_every_operation_answers_as_it_is_described(label: str) -> None:
    visitor = Visitor(label)
    sound = visitor.sound_case()
    answer = visitor.send(sound)
    assert answer.status_code in visitor.welcome, answer.text
    sound.validate_response(answer, checks=CHECKS)

    def visit(case: Case) -> None:
        case.validate_response(visitor.visit(case), checks=checks(label))

    with closing(GenerationSession()) as session:
        bounds = API.iter_coverage_cases(
            visitor.operation, generation_modes=list(GenerationMode), generation_config=API.config.generation,
            session=session,
        )  # fmt: skip
        for case in bounds:
            visit(case)

    either = [visitor.operation.as_strategy(generation_mode=mode) for mode in GenerationMode]
    given(st.one_of(either))(settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))(visit))()
