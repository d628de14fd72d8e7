"""The locked packages: each direct pin is locked, with hashes, from no private host, and recent enough."""

import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest

from house.packages import INSTALLER, UV, export_command

CHECKOUT = Path(__file__).resolve().parents[2]
EXPORTS = {
    "requirements.txt": (),
    "requirements-aws.txt": ("--extra", "aws"),
    "requirements-otel.txt": ("--extra", "otel"),
    "requirements-mcp.txt": ("--extra", "mcp"),
    str(INSTALLER): ("--only-group", "installer"),
}

# Older versions have defects that affect this project. A resolver silently takes an old version when two packages
# disagree, so the lock is compared with this list.
AT_LEAST = {
    "celery": (5, 6),  # closes the connection pool after fork
    "kombu": (5, 7),  # works with redis-py 8
    "django": (5, 2, 19),
    "djangorestframework": (3, 18),
    "psycopg": (3, 3),
    "redis": (8, 1),
}


@cache
def project() -> dict:
    return tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))


def direct_requirements() -> dict[str, list[str]]:
    groups = project()["dependency-groups"]
    return {
        "product": project()["project"]["dependencies"],
        **project()["project"]["optional-dependencies"],
        **{name: [line for line in lines if isinstance(line, str)] for name, lines in groups.items()},
    }


@cache
def locked() -> dict[str, str]:
    packages = tomllib.loads((CHECKOUT / "uv.lock").read_text(encoding="utf-8"))["package"]
    return {package["name"]: package["version"] for package in packages if "registry" in package["source"]}


def uv(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(UV), *map(str, arguments)], cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize(("group", "lines"), direct_requirements().items())
def test_every_direct_requirement_is_pinned_and_locked_at_its_pin(group: str, lines: list[str]) -> None:
    pins = dict(re.fullmatch(r"([a-z0-9-]+)(?:\[[a-z,]+\])?==(\S+)", line).groups() for line in lines)  # type: ignore[union-attr]

    assert pins.items() <= locked().items()


def test_lock_fits_the_project() -> None:
    answer = uv("lock", "--check", "--offline")

    assert answer.returncode == 0, answer.stderr


def test_lock_has_hashes_and_names_no_host_but_the_public_index() -> None:
    text = (CHECKOUT / "uv.lock").read_text(encoding="utf-8")
    files = re.findall(r"^.*url = .*$", text, flags=re.MULTILINE)

    assert files
    assert [line for line in files if 'hash = "sha256:' not in line] == []
    assert set(re.findall(r"[a-z+]+://[^/\"]+", text)) == {"https://pypi.org", "https://files.pythonhosted.org"}
    assert set(re.findall(r"^source = .*$", text, flags=re.MULTILINE)) == {
        'source = { registry = "https://pypi.org/simple" }',
        'source = { virtual = "." }',
    }


@pytest.mark.parametrize(("name", "options"), EXPORTS.items())
def test_exports_are_those_of_the_lock(name: str, options: tuple[str, ...], tmp_path: Path) -> None:
    answer = uv(*export_command(tmp_path / "requirements.txt", *options)[1:])

    assert answer.returncode == 0, answer.stderr
    assert (CHECKOUT / name).read_text(encoding="utf-8") == (tmp_path / "requirements.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", EXPORTS)
def test_every_exported_package_has_hashes_and_no_host(name: str) -> None:
    text = (CHECKOUT / name).read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[a-z0-9])", text)

    assert entries
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert not re.search(r"https?://|file:|--(extra-)?index-url|--find-links", text)


@pytest.mark.parametrize(("package", "floor"), AT_LEAST.items())
def test_lock_is_not_older_than_the_working_versions(package: str, floor: tuple[int, ...]) -> None:
    version = tuple(int(part) for part in locked()[package].split("."))

    assert version >= floor
