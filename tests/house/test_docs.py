"""What the README and docs/ tell people to type exists, takes those options, and points to files that are there."""

import argparse
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

PROJECT = Path(__file__).parents[2]
PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]
TEXTS = {page: page.read_text(encoding="utf-8") for page in PAGES}
# In a line of code or between backticks, up to a comment, a pipe or the end.
_MANAGE = re.compile(r"manage\.py ([a-z0-9_]+)((?: (?!#)[^\n`|<>()]+)?)")
_MAKE = re.compile(r"(?<=[`\s])make ((?:[a-z]+ ?)(?:[A-Z_]+=(?:'[^']*'|\S+) ?)*)(?=[`\n#]| {2})")
_MODULE = re.compile(r"python -m ([a-z.]+)((?: [^\n`#]+)?)")
_LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)")
_FILE = re.compile(
    r"(?<![\w/.])((?:tests|docs|benchmarks|governance|reviews|static|templates)/[\w/.-]+\.(?:py|md|yaml|js|css|html))"
)


def found(pattern: re.Pattern[str]) -> list[tuple[str, tuple[str, ...]]]:
    """Every match with the page it is on, once."""
    seen = {(page.name, match.groups()): None for page, text in TEXTS.items() for match in pattern.finditer(text)}
    return list(seen)


COMMANDS = found(_MANAGE)
MODULES = found(_MODULE)


def test_the_docs_hold_commands() -> None:
    assert len(COMMANDS) > 15
    assert len(found(_MAKE)) > 10


@pytest.mark.parametrize(
    ("page", "command"), COMMANDS, ids=lambda part: " ".join(part) if isinstance(part, tuple) else part
)
def test_a_command_exists_and_knows_its_options(page: str, command: tuple[str, str]) -> None:
    name, rest = command
    assert name in get_commands(), f"{page} names manage.py {name}"
    parser = load_command_class(get_commands()[name], name).create_parser("manage.py", name)
    known = {option for action in _actions(parser) for option in action.option_strings}
    used = re.findall(r"(?<![\w-])--[a-z-]+", rest.split("#")[0])
    assert set(used) <= known, f"{page}: manage.py {name} does not know {sorted(set(used) - known)}"


@pytest.mark.parametrize("name", sorted({name for _, (name, _) in COMMANDS}))
def test_a_command_of_the_docs_is_run_by_a_test(name: str) -> None:
    quoted = re.compile(rf"[\"' ]{name}[\"' ,]")
    here = Path(__file__)
    assert any(quoted.search(file.read_text()) for file in (PROJECT / "tests").rglob("*.py") if file != here)


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """The parser's actions with those of its own commands."""
    own = list(parser._actions)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            own += [inner for each in action.choices.values() for inner in _actions(each)]
    return own


@pytest.mark.parametrize("words", sorted({words.strip() for _, (words,) in found(_MAKE)}))
def test_a_target_of_make_exists(words: str) -> None:
    done = subprocess.run(
        ["make", "--dry-run", *shlex.split(words)], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", sorted({name for _, (name, _) in MODULES if name not in ("pytest",)}))
def test_a_program_takes_the_options_that_are_given(name: str) -> None:
    given = {option for _, (module, rest) in MODULES if module == name for option in re.findall(r"--[a-z-]+", rest)}
    commands = {"celery": ["worker", "beat"]}.get(name, [""])
    asked = [[sys.executable, "-m", name, *filter(None, [command]), "--help"] for command in commands]
    helps = [subprocess.run(each, cwd=PROJECT, capture_output=True, text=True, check=False) for each in asked]
    known = "".join(each.stdout for each in helps) + " --app "
    assert all(each.returncode == 0 for each in helps), [each.stderr[-300:] for each in helps]
    assert not {option for option in given if option.removeprefix("--no-") not in known and option not in known}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_files_are_there(page: Path) -> None:
    for target, anchor in _LINK.findall(TEXTS[page]):
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in _anchors(file.read_text(encoding="utf-8")), f"{page.name} links to {target}#{anchor}"
    for name in _FILE.findall(TEXTS[page]):
        assert (PROJECT / name).exists(), f"{page.name} names {name}"


def _anchors(text: str) -> set[str]:
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in re.findall(r"(?m)^#+ (.+)$", text)}


def test_every_setting_of_the_environment_is_in_the_table_of_the_readme() -> None:
    read = set(
        re.findall(r"environ(?:\.get)?[(\[]\s*\"([A-Z_]+)\"", (PROJECT / "governance/project/settings.py").read_text())
    )
    told = set(re.findall(r"`([A-Z_]{4,})`", TEXTS[PROJECT / "README.md"]))
    assert read - told == set()
