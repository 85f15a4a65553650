"""What a benchmark hands back: figures, each beside a limit or a demand that was met or not in the same run."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

PROJECT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Figure:
    """One thing measured. `limit` is what it is compared with, `against` says what that is, both in `unit`.

    The ratio ours / limit has to be `at_least` or `at_most` so much; with neither, the figure only informs.
    `size` is how many rows or requests a round had.
    """

    name: str
    ours: float
    limit: float
    unit: str
    size: int
    against: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def ratio(self) -> float:
        return self.ours / self.limit if self.limit else float("inf")

    @property
    def is_reached(self) -> bool | None:
        """Whether the ratio is where it has to be; None where nothing is demanded."""
        if self.at_least is not None:
            return self.ratio >= self.at_least
        return None if self.at_most is None else self.ratio <= self.at_most

    @property
    def wanted(self) -> str:
        if self.at_least is not None:
            return f"≥ {self.at_least:g}"
        return "" if self.at_most is None else f"≤ {self.at_most:g}"

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"ratio": round(self.ratio, 4), "reached": self.is_reached}


def table(figures: Mapping[str, Sequence[Figure]]) -> Table:
    """All figures as a table for the terminal, a group for each benchmark."""
    shown = Table(box=None, pad_edge=False)
    shown.add_column("benchmark", overflow="fold", ratio=1)
    for heading in ("ours", "limit"):
        shown.add_column(heading, justify="right", no_wrap=True)
    shown.add_column("unit", no_wrap=True)
    shown.add_column("limit is", overflow="fold")
    for heading in ("ratio", "wanted", "size"):
        shown.add_column(heading, justify="right", no_wrap=True)
    shown.add_column("", no_wrap=True)
    words = {True: "[green]reached[/]", False: "[red]falls short[/]", None: ""}
    for name, group in figures.items():
        shown.add_row(f"[bold]{name}[/]")
        for figure in group:
            shown.add_row(
                f"  {figure.name}", _number(figure.ours), _number(figure.limit), figure.unit, figure.against,
                _number(figure.ratio), figure.wanted, f"{figure.size:,}", words[figure.is_reached],
            )  # fmt: skip
    return shown


def show(figures: Mapping[str, Sequence[Figure]]) -> None:
    """Prints the table; a pipe gets lines that do not wrap."""
    console = Console()
    (console if console.is_terminal else Console(width=180)).print(table(figures))


def keep(figures: Mapping[str, Sequence[Figure]], *, size: float, folder: Path) -> Path:
    """Writes the figures, with the machine and the commit, as JSON into the folder; where."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.json"
    about = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "commit": _commit(), "size": size,
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()},
        "benchmarks": {name: [figure.as_json() for figure in group] for name, group in figures.items()},
    }  # fmt: skip
    path.write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n")
    return path


def _number(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def _commit() -> str:
    asked = subprocess.run(["git", "rev-parse", "HEAD"], cwd=PROJECT, capture_output=True, text=True)
    return asked.stdout.strip() or "unknown"
