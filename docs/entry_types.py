"""Writes the table of entry types into docs/evidence.md: `python docs/entry_types.py`, after a new type of entry."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from governance.evidence.types import as_table

PAGE = Path(__file__).with_name("evidence.md")
START, END = "<!-- types -->\n", "\n<!-- end of types -->"


def main() -> None:
    head, rest = PAGE.read_text().split(START)
    PAGE.write_text(head + START + as_table() + END + rest.split(END)[1])


if __name__ == "__main__":
    main()
