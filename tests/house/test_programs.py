"""Programs of tests that hang or lose their starter are killed, and the next program gets a starter of its own."""

from __future__ import annotations

import socket

import pytest

from tests.harness.production import run
from tests.harness.tiers import PATIENCE

HANGS = "import time; time.sleep(3600)"


def test_a_program_that_hangs_does_not_shift_the_results_of_the_next_ones() -> None:
    assert run("").returncode == 0

    with pytest.raises(AssertionError, match="did not end in time"):
        run(HANGS, seconds=0.1)

    for status in (3, 0, 4):
        done = run(f"print('own output'); raise SystemExit({status})")
        assert (done.returncode, done.stdout, done.stderr) == (status, "own output\n", "")


def test_a_program_without_its_starter_is_killed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # The program holds its line open until its own end.
        connect = f"import socket; line = socket.create_connection({listener.getsockname()!r})"
        with pytest.raises(AssertionError, match="has ended"):
            run(f"{connect}; import os; os.kill(os.getppid(), 9); {HANGS}")

        line, _ = listener.accept()
        with line:
            line.settimeout(PATIENCE)
            assert line.recv(1) == b""
    assert run("print('next')").stdout == "next\n"
