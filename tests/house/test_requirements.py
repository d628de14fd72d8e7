"""The locked requirements: each direct pin is locked, with hashes, from no named host, not older than it must be."""

import itertools
import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
LOCKS = {
    "requirements.in": "requirements.txt",
    "requirements-servers.in": "requirements-servers.txt",
    "requirements-dev.in": "requirements-dev.txt",
    "requirements-bench.in": "requirements-bench.txt",
}

# Installed into one environment; of the servers' wheels only the programs are used.
TOGETHER = ("requirements.txt", "requirements-dev.txt", "requirements-bench.txt")

# Below these versions something we met is broken. A resolver takes an old version without a word when two packages
# disagree, so the lock is compared with this list.
AT_LEAST = {
    "celery": (5, 6),  # closes the connection pool after fork
    "kombu": (5, 7),  # works with redis-py 8
    "django": (5, 2, 19),
    "djangorestframework": (3, 18),
    "channels-redis": (4, 3),
    "psycopg": (3, 3),
    "redis": (8, 1),
}


def locked(name: str) -> dict[str, str]:
    text = (CHECKOUT / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, flags=re.MULTILINE))


@pytest.mark.parametrize(("source", "lock"), LOCKS.items())
def test_every_direct_requirement_is_pinned_and_locked_at_its_pin(source: str, lock: str) -> None:
    lines = (CHECKOUT / source).read_text(encoding="utf-8").splitlines()
    wanted = [line for line in lines if line and not line.startswith(("#", "-c"))]

    pins = dict(re.fullmatch(r"([a-z0-9-]+)(?:\[[a-z,]+\])?==(\S+)", line).groups() for line in wanted)  # type: ignore[union-attr]

    assert pins.items() <= locked(lock).items()


@pytest.mark.parametrize("lock", LOCKS.values())
def test_every_locked_package_has_hashes_and_no_host(lock: str) -> None:
    text = (CHECKOUT / lock).read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[a-z0-9])", text)[1:]

    assert entries
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert not re.search(r"https?://|file:|--(extra-)?index-url|--find-links", text)


@pytest.mark.parametrize(("package", "floor"), AT_LEAST.items())
def test_lock_is_not_older_than_what_works(package: str, floor: tuple[int, ...]) -> None:
    version = tuple(int(part) for part in locked("requirements.txt")[package].split("."))

    assert version >= floor


@pytest.mark.parametrize(("one", "other"), [*itertools.combinations(TOGETHER, 2)])
def test_locks_that_are_installed_together_agree(one: str, other: str) -> None:
    first, second = locked(one), locked(other)

    assert {name for name in first.keys() & second.keys() if first[name] != second[name]} == set()
