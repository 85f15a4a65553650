"""What the inputs and outputs of an AI system must look like: JSON Schema 2020-12, compiled once, never fetched."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from typing import Any, Final

import jsonschema_rs

from governance.contracts import pointer
from governance.contracts.pointer import Tokens
from governance.contracts.reading import Reading, join
from governance.contracts.values import MISSING, Absence
from governance.policies import canonical
from governance.refusals import Problem

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
ROOTS: Final = ("input", "output", "attributes")
DRIFT: Final = ("confidence_psi", "label_psi", "contract_breach_rate")
MOST_PROBLEMS: Final = 50
_KEYS: Final = (
    "version",
    "input",
    "output",
    "correct_when",
    "personal_data",
    "drift",
    "case",
    "change_when",
    "retrain_when",
)
_CASE: Final = "/attributes/case"
_VERSION = re.compile(r"\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?")
_METASCHEMA = jsonschema_rs.Draft202012Validator({"$ref": DIALECT}, offline=True)


@dataclass(frozen=True, slots=True)
class Contract:
    """A compiled contract. `correct_when`, `personal_data` and `case` are pointers as tokens, rooted in input, output
    and attributes; `case` says which outputs belong together. Two contracts are equal when their documents are."""

    version: str
    correct_when: tuple[Tokens, ...]
    personal_data: tuple[Tokens, ...]
    case: Tokens
    drift: dict[str, Decimal]
    # When the contract is to change, and when the model is to be trained again, in the owner's sentences.
    change_when: tuple[str, ...]
    retrain_when: tuple[str, ...]
    document: dict[str, Any] = field(repr=False)
    digest: str
    _input: jsonschema_rs.Draft202012Validator = field(repr=False, compare=False)
    _output: jsonschema_rs.Draft202012Validator = field(repr=False, compare=False)

    def __hash__(self) -> int:
        return hash(self.digest)

    @property
    def input_schema(self) -> dict[str, Any] | bool:
        schema: dict[str, Any] | bool = self.document.get("input", True)
        return schema

    @property
    def output_schema(self) -> dict[str, Any] | bool:
        schema: dict[str, Any] | bool = self.document["output"]
        return schema

    def check(self, *, input: Any = MISSING, output: Any = MISSING) -> tuple[Problem, ...]:
        """What breaks the contract, at most 50 problems, with pointers such as /output/amount; () when it is kept.

        No sentence repeats a value, so that they may be logged. A part that is not given is not checked.
        """
        if self._keeps(self._input, input) and self._keeps(self._output, output):
            return ()
        return tuple(
            islice(
                (*self._problems(self._input, input, "input"), *self._problems(self._output, output, "output")),
                MOST_PROBLEMS,
            )
        )

    @staticmethod
    def _keeps(validator: jsonschema_rs.Draft202012Validator, value: Any) -> bool:
        return isinstance(value, Absence) or validator.is_valid(value)

    @staticmethod
    def _problems(validator: jsonschema_rs.Draft202012Validator, value: Any, root: str) -> list[Problem]:
        if isinstance(value, Absence):
            return []
        return [
            Problem(pointer.build([root, *error.instance_path]), _code(error.kind.name), _sentence(error.message))
            for error in islice(validator.iter_errors(value), MOST_PROBLEMS)
        ]


def compile_contract(document: dict[str, Any]) -> Contract:
    """The contract that a document states; the same text is compiled once per process.

    Raises Invalid with the path of every problem (`contract.output.properties.amount`): unknown keys, a schema that the
    2020-12 metaschema refuses, references that leave the document, patterns that could backtrack.
    """
    canonical.canonical_bytes(document)
    return _compiled(json.dumps(document, ensure_ascii=False))


@lru_cache(maxsize=512)
def _compiled(text: str) -> Contract:
    # Keyed by the text as written, not by its digest: the order of properties is the order of the correction form.
    document = json.loads(text)
    reading = Reading()
    data = reading.mapping(document, "contract", allowed=_KEYS, required=("version", "output"))
    version = reading.text(data, "version", "contract", longest=64)
    if version and not _VERSION.fullmatch(version):
        reading.wrong("contract.version", "not-a-version", "This must be a version such as 1.0.0.")
    correct_when = _pointers(reading, data, "correct_when", roots=("output",), shortest=1)
    personal_data = _pointers(reading, data, "personal_data", roots=ROOTS, shortest=2)
    (case,) = _pointers(reading, {"case": [data.get("case", _CASE)]}, "case", roots=ROOTS, shortest=2) or ((),)
    drift_data = reading.mapping(data.get("drift", {}), "contract.drift", allowed=DRIFT)
    drift = {key: reading.amount(drift_data, key, "contract.drift") for key in drift_data if key in DRIFT}
    change, retrain = (_sentences(reading, data, key) for key in ("change_when", "retrain_when"))
    validators = [_validator(reading, data.get(part, True), f"contract.{part}") for part in ("input", "output")]
    reading.finish("The contract is not valid.")
    return Contract(
        version=version,
        correct_when=correct_when,
        personal_data=personal_data,
        case=case,
        drift=drift,
        change_when=change,
        retrain_when=retrain,
        document=document,
        digest=canonical.digest(document),
        _input=validators[0],
        _output=validators[1],
    )


def _sentences(reading: Reading, data: dict[str, Any], key: str) -> tuple[str, ...]:
    """What the owner says when something has to be done."""
    found = []
    for index, text in enumerate(reading.sequence(data, key, "contract", most=20)):
        if isinstance(text, str) and text.strip() and len(text) <= 300:
            found.append(text)
        else:
            at = join(f"contract.{key}", index)
            reading.wrong(at, "wrong-length", "This must be a sentence of 1 to 300 characters.")
    return tuple(found)


def _pointers(
    reading: Reading, data: dict[str, Any], key: str, *, roots: tuple[str, ...], shortest: int
) -> tuple[Tokens, ...]:
    found: list[Tokens] = []
    for index, text in enumerate(reading.sequence(data, key, "contract")):
        at = join(f"contract.{key}", index)
        if not isinstance(text, str):
            reading.wrong(at, "wrong-type", "This must be a JSON pointer in quotes.")
            continue
        try:
            tokens = pointer.parse(text)
        except ValueError as error:
            reading.wrong(at, "not-a-pointer", str(error))
            continue
        if len(tokens) < shortest or tokens[0] not in roots:
            starts = " or ".join(f"/{root}" + "/…" * (shortest - 1) for root in roots)
            reading.wrong(at, "wrong-root", f"This must start with {starts}.")
        elif tokens in found:
            reading.wrong(at, "duplicate", "This pointer is listed twice.")
        else:
            found.append(tokens)
    return tuple(found)


def _validator(reading: Reading, schema: Any, at: str) -> jsonschema_rs.Draft202012Validator:
    before = len(reading.problems)
    nothing = jsonschema_rs.Draft202012Validator(False)
    if not isinstance(schema, (dict, bool)):
        reading.wrong(at, "wrong-type", "This must be a JSON Schema: a mapping.")
        return nothing
    if isinstance(schema, dict) and schema.get("$schema", DIALECT) not in (DIALECT, DIALECT + "#"):
        reading.wrong(join(at, "$schema"), "wrong-dialect", "Contracts are JSON Schema 2020-12.")
    for error in islice(_METASCHEMA.iter_errors(schema), MOST_PROBLEMS):
        reading.wrong(_path(at, error.instance_path), "not-a-schema", _sentence(error.message))
    if len(reading.problems) > before:
        return nothing
    try:
        return jsonschema_rs.Draft202012Validator(
            schema,
            offline=True,
            validate_formats=True,
            pattern_options=jsonschema_rs.RegexOptions(),
            mask="The value",
        )
    except jsonschema_rs.ValidationError as error:
        reading.wrong(_path(at, error.instance_path), "not-a-schema", _sentence(error.message))
    except (jsonschema_rs.ReferencingError, ValueError) as error:
        reading.wrong(at, "not-a-schema", _sentence(str(error)))
    return nothing


def _path(at: str, tokens: list[str | int]) -> str:
    for token in tokens:
        at = join(at, token)
    return at


def _code(keyword: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", keyword).lower()


def _sentence(message: str) -> str:
    """The library's message as one sentence."""
    line = message.splitlines()[0].strip()
    return f"{line[:1].upper()}{line[1:300].rstrip('.')}."
