"""A card: one claimed item as a reviewer sees it. What she must not see yet is not in it at all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any, Final

from governance.contracts import masking
from governance.contracts.schema import Contract
from governance.contracts.values import MISSING, decimal_of, same
from governance.models import Person
from governance.people import roles
from governance.policies.policy import Review
from governance.policies.sentences import percent, percent as _percent  # noqa: F401
from reviews.decisions.answers import short_reading
from reviews.decisions.cases import opinions
from reviews.pages.desk import form
from reviews.pages.desk.alike import Alike, alike
from reviews.pages.desk.form import Asked, Choice, Typed
from reviews.pages.showing import Shown, Text, show, text
from reviews.pages.showing.tree import Value, plain_value
from reviews.queue.claims import Claim

MILLION: Final = 1_000_000
_MOST_ALTERNATIVES: Final = 5
_SHORT: Final = 3
