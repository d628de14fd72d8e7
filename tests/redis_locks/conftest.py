"""The fixtures of the tests of locks: a Redis whose calls are counted, locks, and other processes."""

from tests.harness.lock_fixtures import (
    counted,
    make_lock,
    make_name,
    name,
    other_process,
    redis,
    sabotage,
    unknown_scripts,
)

__all__ = [
    "counted",
    "make_lock",
    "make_name",
    "name",
    "other_process",
    "redis",
    "sabotage",
    "unknown_scripts",
]
