"""Pages travel compressed, and nothing that could be guessed by their length is the same twice."""

import gzip
import re

import pytest
from django.test import Client

from tests import cast

pytestmark = pytest.mark.django_db


def test_a_page_is_compressed_and_its_length_and_its_token_differ_each_time() -> None:
    browser = cast.signed_in(cast.alice())
    answers = [browser.get("/queue/", headers={"Accept-Encoding": "gzip"}) for _ in range(12)]
    assert {answer["Content-Encoding"] for answer in answers} == {"gzip"}
    assert all("Accept-Encoding" in answer["Vary"] for answer in answers)
    tokens = {re.search(rb'"X-CSRFToken": "(\w+)"', gzip.decompress(answer.content))[1] for answer in answers}  # type: ignore[index]
    assert len(tokens) == len(answers)
    assert len({len(answer.content) for answer in answers}) > 3


def test_whoever_cannot_read_gzip_gets_the_page_as_it_is() -> None:
    answer = cast.signed_in(cast.alice()).get("/queue/")
    assert not answer.has_header("Content-Encoding")
    assert b"</html>" in answer.content


def test_answers_of_the_api_stay_as_they_are() -> None:
    answer = Client().get("/api/v1/openapi.json", headers={"Accept-Encoding": "gzip"})
    assert not answer.has_header("Content-Encoding")
