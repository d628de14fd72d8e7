"""The carrier simulator as a program of its own on a free port, at full speed and without seeded failures."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest
import yaml

from tests.harness.tiers import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
DECLARED = ROOT / "demo" / "carriers"
#: Waiting times of the carriers are divided by this: the slowest take some milliseconds.
SPEED = 10_000


class CarrierSimulator:
    """The running simulator. Behavior and state are as declared at the begin of each test."""

    def __init__(self, port: int, process: subprocess.Popen[bytes]) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._process = process

    def address(self, carrier: str) -> str:
        """Return the base address of ``carrier``."""
        return f"{self.url}/{carrier}"

    def credentials(self, carrier: str) -> dict[str, str]:
        """Return ``client_id``, ``client_secret`` and ``callback_secret`` of ``carrier``."""
        text = (DECLARED / f"{carrier}.yaml").read_text(encoding="utf-8")
        return dict(yaml.safe_load(text)["simulator"]["credentials"])

    def behave(self, carrier: str, **changes: Any) -> dict[str, Any]:
        """Change fields of the carrier's behavior, such as ``mode="poll"`` or ``faults=[{"kind": "hang"}]``."""
        return dict(self._call("PATCH", f"/{carrier}/behavior", changes))

    def received(self, carrier: str) -> list[dict[str, Any]]:
        """Return the last calls of ``carrier``, the oldest first, each with ``operation``, ``body`` and ``result``."""
        return list(self._call("GET", f"/{carrier}/received")["requests"])

    def counts(self, carrier: str) -> dict[str, int]:
        """Return the numbers of calls by operation, ``tokens_issued`` and ``callback``."""
        return dict(self._call("GET", f"/{carrier}/received")["counts"])

    def callbacks(self, carrier: str) -> list[dict[str, Any]]:
        """Return the last callbacks that were sent, each with ``id`` and ``result``."""
        return list(self._call("GET", f"/{carrier}/received")["callbacks"])

    def quotes(self, carrier: str) -> list[dict[str, Any]]:
        """Return all quotes of ``carrier``, the oldest first."""
        return list(self._call("GET", f"/{carrier}/quotes"))

    def answer(self, carrier: str, request_token: str, **answer: Any) -> dict[str, Any]:
        """Give a quote an underwriter's answer: ``status``, ``premium``, ``reasons``, ``subjectivities``, ..."""
        return dict(self._call("POST", f"/{carrier}/quotes/{request_token}/answer", answer))

    def expire_tokens(self, carrier: str) -> None:
        """Let the carrier forget all access tokens."""
        self._call("POST", f"/{carrier}/expire_tokens")

    def settings(self, **changes: Any) -> None:
        """Change ``speed``, ``has_failures`` or ``seed``."""
        self._call("PATCH", "/settings", changes)

    def reset(self) -> None:
        """Return to the declared behavior, without quotes, tokens and received calls."""
        self._call("POST", "/reset")
        self.settings(speed=SPEED, has_failures=False, seed="1")

    def wait_until(self, condition: Callable[[], Any], *, seconds: float = PATIENCE) -> Any:
        """Return the first true result of ``condition``; fail after ``seconds``."""
        deadline = time.monotonic() + seconds
        while not (result := condition()):
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.02)
        return result

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        content = json.dumps(body).encode() if body is not None else None
        request = Request(f"{self.url}/control{path}", content, {"Content-Type": "application/json"}, method=method)  # noqa: S310
        with urlopen(request, timeout=30) as response:  # noqa: S310
            text = response.read()
        return json.loads(text) if text else None


@contextmanager
def running_simulator() -> Iterator[CarrierSimulator]:
    """Start the simulator; end it afterwards."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "--factory", "carriers.simulator.app:create_app", "--port", str(port)]
    environment = {
        **os.environ,
        "CARRIER_SIMULATOR_SPEED": str(SPEED),
        "CARRIER_SIMULATOR_FAILURES": "0",
        "CARRIER_SIMULATOR_SEED": "1",
    }
    options = ["--log-level", "warning", "--no-access-log", "--timeout-graceful-shutdown", "1"]
    process = subprocess.Popen([*command, *options], cwd=ROOT, env=environment)
    simulator = CarrierSimulator(port, process)
    try:
        simulator.wait_until(lambda: _responds(simulator, process), seconds=60)
        yield simulator
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _responds(simulator: CarrierSimulator, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "the simulator ended before it responded"
    try:
        simulator.counts("QM")
    except (URLError, OSError):
        return False
    return True


@pytest.fixture(scope="session")
def started_simulator() -> Iterator[CarrierSimulator]:
    """Return the simulator of this test process."""
    with running_simulator() as simulator:
        yield simulator


@pytest.fixture
def carrier_simulator(started_simulator: CarrierSimulator) -> CarrierSimulator:
    """Return the simulator as it is declared, without earlier calls."""
    started_simulator.reset()
    return started_simulator
