# ruff: noqa: E501  the letter is easier to read in whole lines
"""What the demo's own systems do not show: an agent that wants to run something, letters to read, an empty queue.

Everything here is invented. It goes in through the ordinary commands, as a user's own files would.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
PASSWORD = "a-password-for-the-pictures"
NEWCOMER = "nina@demo.example"
_POLICY: dict[str, Any] = {
    "risk": {"target": 0.02, "confidence": 0.95, "costs": {"wrong_release": 90, "review": 2, "currency": "EUR"}},
    "threshold": {"default": 1.0},
    "audit": {"rate": 0.0, "hold": False},
    "sla": {"due_in": "PT8H"},
}


def _text(title: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "title": title, **more}


TRAVEL = {
    "countersign": 1,
    "system": {
        "slug": "rail-desk", "name": "Rail desk", "purpose": "Changes and refunds train bookings for customers.",
        "risk_tier": "limited", "owner": "rail-support",
    },
    "contract": {
        "version": "1.0.0",
        "input": {
            "type": "object",
            "properties": {"conversation": {"type": "array", "x-view": "conversation", "title": "What was said before"}},
        },
        "output": {
            "type": "object", "title": "May the agent run this?", "x-view": "call", "required": ["action", "arguments"],
            "properties": {"action": _text("Action"), "arguments": {"type": "object", "title": "Arguments"}},
            "x-arguments": {
                "move_booking": {
                    "required": ["booking", "train", "travellers"], "additionalProperties": False,
                    "properties": {
                        "booking": _text("Booking"), "train": _text("Train"),
                        "day": _text("Day", format="date"),
                        "class": {"enum": ["first", "second"], "title": "Class"},
                        "fee": {"type": "number", "title": "Fee", "minimum": 0, "maximum": 60, "x-unit": "EUR"},
                        "travellers": {
                            "type": "array", "title": "Travellers",
                            "items": {
                                "type": "object", "required": ["name"],
                                "properties": {"name": _text("Name"), "seat": _text("Seat")},
                            },
                        },
                    },
                },
                "refund_booking": {
                    "required": ["booking", "amount"],
                    "properties": {
                        "booking": _text("Booking"),
                        "amount": {"type": "number", "title": "Amount", "minimum": 0, "x-unit": "EUR"},
                    },
                },
            },
            "x-effects": {
                "move_booking": [
                    "Moves booking {booking} to train {train} on {day}.",
                    "Charges {fee} euros to the card on file.",
                    {"say": "The seats of the old train are given up at once and cannot be had back.", "warn": True},
                ],
                "refund_booking": ["Pays {amount} euros back for booking {booking}."],
            },
        },
        "correct_when": ["/output/action", "/output/arguments"],
    },
    "policy": {
        **_POLICY,
        "routing": {"default": {"queue": "agents"}, "queues": {"agents": {"mode": "pull"}}},
        "review": {
            "undo_seconds": 8, "reason_required": ["reject"],
            "reasons": [
                {"code": "not-asked-for", "label": "Not what was asked for"},
                {"code": "wrong-terms", "label": "Against the terms"}, {"code": "unclear", "label": "Ask again first"},
            ],
        },
    },
}  # fmt: skip
LETTERS = {
    "countersign": 1,
    "system": {
        "slug": "flat-letters", "name": "Letters about flats", "purpose": "Reads what tenants write, and what follows.",
        "risk_tier": "limited", "owner": "housing",
    },
    "contract": {
        "version": "1.0.0",
        "input": {"type": "object", "properties": {"letter": _text("Letter", **{"x-view": "text"})}},
        "output": {
            "type": "object", "title": "What does the tenant ask for?", "required": ["matter", "claims"],
            "properties": {
                "matter": {"enum": ["repair", "rent", "noise", "notice"], "title": "Matter"},
                "since": _text("Since", format="date"),
                "reduction": {"type": "number", "title": "Rent reduction", "minimum": 0, "maximum": 100, "x-unit": "%"},
                "claims": {
                    "type": "array", "title": "What is asked for",
                    "items": {
                        "type": "object", "required": ["what"],
                        "properties": {
                            "what": _text("What"),
                            "cost": {"type": "number", "title": "Cost", "minimum": 0, "maximum": 5000, "x-unit": "EUR"},
                        },
                    },
                },
                "summary": _text("Summary", maxLength=600),
            },
        },
        "correct_when": ["/output/matter"],
    },
    "policy": {
        **_POLICY,
        "routing": {"default": {"queue": "letters"}, "queues": {"letters": {"mode": "pull"}}},
        "review": {"undo_seconds": 8, "reasons": [{"code": "misread", "label": "Misread the letter"}]},
    },
}  # fmt: skip
QUIET = {
    **LETTERS,
    "system": {**LETTERS["system"], "slug": "quiet-desk", "name": "Quiet desk"},  # type: ignore[dict-item]
    "policy": {
        **LETTERS["policy"],  # type: ignore[dict-item]
        "routing": {"default": {"queue": "quiet"}, "queues": {"quiet": {"mode": "pull"}}},
    },
}

_TALK = (
    ("customer", "Hello, I have to be in Lund a day later than I thought. Can we take the train on the 4th instead?"),
    ("agent", "Of course. Which booking is it, and do all of you travel on the 4th?"),
    ("customer", "KX4QZ7. Yes, all three of us: my mother, my son Joel and me."),
    ("agent", "Booking KX4QZ7 is for the 3rd, train R 417 at 9:12, second class. On the 4th there is R 417 at 9:12 and "
              "R 431 at 13:40. Both have seats. Moving costs 15 euros for each traveller, 45 euros in all."),
    ("customer", "The later one, please. And could my mother sit near a door? She walks with a stick."),
    ("agent", "I have put her in coach 2, seat 11, beside the door. Shall I move the booking to R 431 on the 4th?"),
    ("customer", "Wait, is it 45 euros although the first train was cancelled last week and you moved us yourselves?"),
    ("agent", "You are right to ask: a booking that we moved ourselves may be moved once more without a fee."),
    ("customer", "Then yes, please move it, without the fee."),
)  # fmt: skip
_MOVE = {
    "action": "move_booking",
    "arguments": {
        "booking": "KX4QZ7", "train": "R 431", "day": "2026-12-04", "class": "second", "fee": 45,
        "travellers": [{"name": "Vera Lindh", "seat": "2-11"}, {"name": "Joel Lindh", "seat": "2-13"}, {"name": "Ida Lindh"}],
        "notify": True,
    },
}  # fmt: skip
_LETTER = (
    "Dear Sir or Madam,\n\nI have rented the flat on the third floor at Kanalgatan 8 for six years, and I have never written "
    "to you in anger before. Since the storm in the night of the 19th of October the window of the small bedroom does not "
    "close. The caretaker came on the 22nd, looked at it, and said that the frame is warped and that a joiner would call. "
    "Nobody has called.\n\nMeanwhile it has rained in twice. The second time the water ran down behind the wardrobe, and "
    "the wall behind it is now black over a length of about a metre. I have moved my daughter's bed into the living room, "
    "because the room smells and she has asthma. I enclose two photographs and the letter of her doctor.\n\nI ask you "
    "three things. First, to have the window repaired before the first of December, since frost is forecast. Second, to "
    "have the wall treated by somebody who knows what he is doing, and not painted over as in the year 2022, when the same "
    "corner was damp and I was told that I do not air the room enough. Third, to reduce the rent for as long as we cannot "
    "use the room. I think that a fifth is fair: it is one of five rooms, and the smallest. If that is not how you count, "
    "tell me how you do.\n\nI also paid 86 euros for a heater, which runs all night so that the living room can be slept "
    "in. The bill is enclosed. I do not insist on it, but I should like to hear what you think.\n\nIf I have heard nothing "
    "by the 30th of November I shall ask the tenants' union to write the next letter.\n\nYours faithfully,\nM. Oyelaran"
)
_READ = {
    "matter": "rent", "since": "2026-10-22", "reduction": 20,
    "claims": [{"what": "Repair of the window before 1 December"}, {"what": "A heater", "cost": 68}],
    "summary": "The tenant reports a window that does not close and asks for a fifth of the rent and a heater.",
}  # fmt: skip
_LIKE = (
    "The bathroom window does not close since the storm, and rain has come in twice; the wall behind the shelf is damp.",
    "Since the storm in October rain comes in at the kitchen window. The caretaker looked and nobody has called since.",
    "My neighbours on the third floor play music until two in the night, in spite of the letter you sent them.",
    "I ask you to reduce the rent for as long as the lift does not run: I am 81 and live on the sixth floor.",
)


def _outputs() -> Iterator[tuple[str, dict[str, Any]]]:
    talk = [{"role": who, "content": said} for who, said in _TALK]
    for number in range(1, 4):
        yield "rail-desk", {
            "external_id": f"call-{number:03}", "input": {"conversation": talk}, "output": _MOVE, "confidence": 0.71,
            "model": "rail-agent", "model_version": "2026-11", "attributes": {"channel": "chat"},
        }  # fmt: skip
    texts = [*[_LETTER] * 24, *_LIKE]
    for number, letter in enumerate(texts, start=1):
        yield "flat-letters", {
            "external_id": f"letter-{number:03}", "input": {"letter": letter}, "output": _READ, "confidence": 0.58,
            "alternatives": [{"output": {**_READ, "matter": "repair"}, "confidence": 0.31}],
            "model": "letter-reader", "model_version": "5.2", "attributes": {"channel": "post"},
        }  # fmt: skip


def set_up(home: Path) -> dict[str, str]:
    """Brings the systems, their outputs and one person more into a running demo; her password by her address."""
    with tempfile.TemporaryDirectory() as folder:
        for system in (TRAVEL, LETTERS, QUIET):
            slug = str(system["system"]["slug"])  # type: ignore[index]
            file = Path(folder, f"{slug}.json")
            file.write_text(json.dumps(system))
            _run(home, "apply", str(file), "--as", "priya@demo.example", "--activate", "--because", "For the pictures.")
            lines = [json.dumps({"system": to, **output}) for to, output in _outputs() if to == slug]
            outputs = Path(folder, f"{slug}.jsonl")
            outputs.write_text("\n".join(lines))
            if lines:
                _run(home, "import_outputs", str(outputs), "--system", slug)
    _run(home, "create_person", NEWCOMER, "--role", "reviewer:quiet-desk", "--password-stdin", said=PASSWORD)
    return {NEWCOMER: PASSWORD}


def _run(home: Path, *arguments: str, said: str = "") -> None:
    environment = {**os.environ, "COUNTERSIGN_HOME": str(home)}
    done = subprocess.run([sys.executable, "manage.py", *arguments], cwd=PROJECT, env=environment, input=said,
                          text=True, capture_output=True, check=False)  # fmt: skip
    if done.returncode and "already" not in done.stderr:
        raise RuntimeError(f"{arguments[0]} failed: {done.stderr or done.stdout}")
