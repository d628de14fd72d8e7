"""The holder in a lock's token: written, read again, and unknown where it is unreadable."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest

from redis_locks.lock_holder import IDENTITY_LENGTH, MAX_WHO, Holder, holder_here, holder_in, token_content


def token_of(holder: Holder, *, milliseconds: int = 1_700_000_000_123) -> bytes:
    return b"f" * IDENTITY_LENGTH + f"{token_content(holder)}{milliseconds}}}".encode()


@pytest.mark.parametrize("who", ["Robin Agent (user 7)", 'Q"uote\\ (user 8)', "Zoë Ünal-李 (guest 9)", "", "}{"])
def test_a_written_holder_is_read(who: str) -> None:
    holder = holder_in(token_of(Holder(who=who, where="api desk:12")))

    assert holder == Holder(who=who, where="api desk:12", since=datetime(2023, 11, 14, 22, 13, 20, 123_000, UTC))


def test_a_long_name_is_cut() -> None:
    holder = holder_in(token_of(Holder(who="x" * 5_000, where="web y:1")))

    assert holder is not None and len(holder.who) == MAX_WHO


@pytest.mark.parametrize(
    "token", [None, b"", b"5d1c9a0e7b1c11f0b2f5", b"f" * 40, b"f" * 32 + b'{"who":1}', b"f" * 32 + b"\xff\xfe"]
)
def test_a_foreign_token_has_no_holder(token: bytes | None) -> None:
    assert holder_in(token) is None


@pytest.mark.parametrize(
    ("who", "name"),
    [("Robin Agent (user 7)", "Robin Agent"), ("Robin (late) (user 7)", "Robin (late)"), ("guest 4", "guest 4")],
)
def test_people_are_named_by_their_name(who: str, name: str) -> None:
    assert Holder(who=who, where="web y:1").name == name


def test_where_is_the_entry_point_and_the_process() -> None:
    holder = holder_here(who="robin", entry_point="job")

    assert holder.where.startswith("job ")
    assert holder.where.endswith(f":{os.getpid()}")
    assert (holder.entry_point, holder.since) == ("job", None)
