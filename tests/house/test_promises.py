"""Rules for the project's files: floors, module docstrings, targets, locked versions, no paths of one machine."""

import ast
import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
# Packages outside of the product's floors, each with its reason.
BESIDE_THE_FLOORS = {"house", "tests", "benchmarks"}
# A docstring after comments at most; only other modules are parsed, which takes long.
_OPENS_WITH_WORDS = re.compile(r'(?:\s*#[^\n]*\n)*\s*r?"""\s*[^\s"]')


@cache
def tracked_files() -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listing.returncode != 0:
        pytest.skip("this checkout is not a git repository")
    return [CHECKOUT / line for line in listing.stdout.splitlines() if (CHECKOUT / line).is_file()]


@cache
def configuration() -> dict:
    return tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]


@cache
def floors() -> set[str]:
    contract = next(entry for entry in configuration()["importlinter"]["contracts"] if entry["type"] == "layers")
    return {room.strip() for floor in contract["layers"] for room in floor.split("|")}


def test_every_python_package_is_on_a_floor() -> None:
    packages = {path.relative_to(CHECKOUT).parts[0] for path in tracked_files() if path.suffix == ".py"}

    astray = (
        packages
        - floors()
        - BESIDE_THE_FLOORS
        - {"manage.py", "failpoints.py", "long_running.py", "tracing.py", "verify_decision.py", "verify_export.py"}
    )

    assert astray == set()


def test_import_contract_and_type_check_cover_every_floor() -> None:
    tools = configuration()

    assert set(tools["importlinter"]["root_packages"]) == floors() | {"house"}
    assert set(tools["mypy"]["files"]) == floors() | {"house", "failpoints.py", "long_running.py", "tracing.py"}


def test_every_folder_with_modules_is_a_package() -> None:
    on_floors = [
        path for path in tracked_files() if path.suffix == ".py" and path.relative_to(CHECKOUT).parts[0] in floors()
    ]

    astray = {
        str(path.parent.relative_to(CHECKOUT)) for path in on_floors if not (path.parent / "__init__.py").exists()
    }

    assert astray == set()


def test_every_module_opens_with_its_job() -> None:
    silent = []
    for path in tracked_files():
        if path.suffix != ".py" or "migrations" in path.parts:
            continue
        text = path.read_text(encoding="utf-8")
        if _OPENS_WITH_WORDS.match(text):
            continue
        tree = ast.parse(text)
        if tree.body and not ast.get_docstring(tree):
            silent.append(str(path.relative_to(CHECKOUT)))

    assert silent == []


def test_no_module_has_a_meaningless_name() -> None:
    nameless = {"utils", "util", "common", "helpers", "misc", "base"}
    # Django looks for a database backend under this name.
    given_by_django = {"tenants/postgresql/base.py"}

    found = {
        str(path.relative_to(CHECKOUT)) for path in tracked_files() if path.suffix == ".py" and path.stem in nameless
    }

    assert found - given_by_django == set()


def test_no_file_has_marks_of_an_unfinished_merge() -> None:
    # A formatter may have indented them. Composed here, because this file must not contain them itself.
    marks = re.compile("|".join(rf"^[ \t]*{sign * 7} \S" for sign in "<>"), re.MULTILINE)
    found = []
    for path in tracked_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(CHECKOUT)}: {match.group().strip()}" for match in marks.finditer(text)]

    assert found == []


def test_no_file_names_a_path_of_one_machine() -> None:
    # Composed here, because this file must not name them itself.
    places = re.compile("|".join(re.escape("/" + place + "/") for place in ("root", "home", "work", "Users")))
    found = []
    for path in tracked_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(CHECKOUT)}: {match.group()}" for match in places.finditer(text)]

    assert found == []


def test_settings_are_changed_by_what_takes_it_back() -> None:
    """What ``monkeypatch`` takes back of the settings can be a setting that is deleted for all later tests."""
    changed = re.compile(r"monkeypatch\.\w+attr\(\w*settings\b")
    found = [path for path in (CHECKOUT / "tests").rglob("*.py") if changed.search(path.read_text(encoding="utf-8"))]

    assert found == []


def test_help_lists_every_target() -> None:
    makefile = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))

    shown = subprocess.run(["make", "help"], cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout  # noqa: S607

    assert set(re.findall(r"^  make ([a-z-]+) ", shown, flags=re.MULTILINE)) == targets
    phony = re.search(r"^\.PHONY: (.*)$", makefile, flags=re.MULTILINE)
    assert phony and set(phony.group(1).split()) == targets
