"""The supervisor and its record of processes: none of them stays running, even if the supervisor is killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from house.errors import HouseError
from house.leftovers import Leftovers, birth_of
from house.product import _port, _refuse_taken_port
from house.servers import usable_port
from house.supervisor import Child, Kept, Supervisor
from tests.harness.tiers import PATIENCE

CHECKOUT = Path(__file__).resolve().parents[2]
SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]
# Starts a child, prints its id, and waits. Under nohup it would ignore SIGHUP, as the tests themselves do.
KEEPER = """
import signal, sys
signal.signal(signal.SIGHUP, signal.SIG_DFL)
from house.supervisor import Supervisor, say
with Supervisor() as supervisor:
    child = supervisor.start("sleeper", [sys.executable, "-c", "import time; time.sleep(600)"])
    say(str(child.process.pid))
    supervisor.watch()
"""


def comes_true(condition: Callable[[], bool], *, seconds: float = PATIENCE) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_to_the_supervisor_alone_ends_its_children(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", KEEPER], cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as keeper:
        assert keeper.stdout is not None
        child = int(keeper.stdout.readline())
        assert birth_of(child) is not None

        keeper.send_signal(number)
        keeper.wait(PATIENCE)

        assert birth_of(child) is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent was killed")
def test_children_end_with_a_killed_supervisor() -> None:
    with subprocess.Popen([sys.executable, "-c", KEEPER], cwd=CHECKOUT, stdout=subprocess.PIPE) as keeper:
        assert keeper.stdout is not None
        child = int(keeper.stdout.readline())

        keeper.kill()
        keeper.wait(PATIENCE)

        assert comes_true(lambda: birth_of(child) is None)


def test_next_start_ends_leftover_processes(tmp_path: Path) -> None:
    with subprocess.Popen(SLEEPER, start_new_session=True) as sleeper:
        Leftovers(tmp_path / "processes.json").add(sleeper.pid, signal.SIGTERM)

        ended = Leftovers(tmp_path / "processes.json").end_all()

        assert ended == 1
        assert sleeper.wait(PATIENCE) == -signal.SIGTERM
        assert not (tmp_path / "processes.json").exists()


def test_a_new_process_with_a_recorded_id_is_not_ended(tmp_path: Path) -> None:
    record = tmp_path / "processes.json"
    with subprocess.Popen(SLEEPER, start_new_session=True) as sleeper:
        Leftovers(record).add(sleeper.pid, signal.SIGTERM)
        birth = birth_of(sleeper.pid)
        assert birth is not None
        record.write_text(record.read_text(encoding="utf-8").replace(f'"{birth}"', '"1"'), encoding="utf-8")

        ended = Leftovers(record).end_all()

        assert ended == 0
        assert sleeper.poll() is None
        sleeper.kill()


def test_a_free_port_is_kept_and_a_taken_one_replaced() -> None:
    # Below the system's ephemeral range, from which other programs get ports meanwhile.
    port = next(port for port in range(2_000 + os.getpid() % 4_000 * 2, 10_000) if usable_port(port) == port)

    with subprocess.Popen(
        [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        assert comes_true(lambda: usable_port(port) != port)
        with pytest.raises(HouseError, match=rf"^Port {port} is taken .* make run PORT={port + 1}\.$"):
            _refuse_taken_port("127.0.0.1", port)
        server.kill()


@pytest.mark.parametrize("text", ["abc", "0", "65536", "-1", "80 80", "²"])
def test_an_invalid_port_is_refused(text: str) -> None:
    with pytest.raises(HouseError, match="PORT must be a number from 1 to 65535"):
        _port({"PORT": text})


def test_port_defaults_to_8000() -> None:
    assert _port({}) == _port({"PORT": ""}) == _port({"PORT": "8000"}) == 8000


def test_house_starts_without_any_installed_package() -> None:
    answer = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(CHECKOUT)!r}); import house.commands"],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.stderr == ""
    assert answer.returncode == 0


# Keeps a program that ends at once, and shows its starts.
RESTARTER = """
import sys
from house.supervisor import Supervisor
with Supervisor() as supervisor:
    supervisor.keep("worker", [sys.executable, "-c", "print('worker started', flush=True); raise SystemExit(3)"])
    supervisor.start("web", [sys.executable, "-c", "import time; time.sleep(600)"])
    supervisor.watch()
"""


def test_a_kept_program_that_ends_is_started_again_and_the_others_go_on() -> None:
    with subprocess.Popen([sys.executable, "-c", RESTARTER], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        lines = [run.stdout.readline().strip() for _ in range(5)]
        is_running = run.poll() is None
        run.send_signal(signal.SIGTERM)
        run.wait(PATIENCE)

    assert is_running
    assert [line for line in lines if line.startswith("worker  |")] == ["worker  | worker started"] * 3
    assert lines[1] == "worker ended by itself (status 3); it is started again in 1 s."


# Keeps a worker, and a web server that ends at once.
ENDING = """
import sys
from house.errors import HouseError
from house.supervisor import Supervisor, say
try:
    with Supervisor() as supervisor:
        supervisor.keep("worker", [sys.executable, "-c", "import time; time.sleep(600)"])
        supervisor.start("web", [sys.executable, "-c", "raise SystemExit(3)"])
        supervisor.watch()
except HouseError as error:
    say(str(error))
"""


def test_any_other_program_that_ends_stops_everything() -> None:
    run = subprocess.run([sys.executable, "-c", ENDING], cwd=CHECKOUT, capture_output=True, text=True, timeout=PATIENCE)

    assert "web ended by itself (status 3), so everything was stopped" in run.stdout


def test_pauses_grow_up_to_the_longest(capsys: pytest.CaptureFixture[str]) -> None:
    supervisor, ended = Supervisor(), subprocess.Popen([sys.executable, "-c", ""])
    child = Child("worker", ended, signal.SIGTERM, is_server=False, is_alone=False)
    supervisor._kept["worker"] = Kept(lambda: child, time.monotonic())
    status = ended.wait(PATIENCE)

    for _ in range(9):
        supervisor._children.append(child)
        supervisor._plan_start(child, status)

    told = [line.rpartition(" in ")[2] for line in capsys.readouterr().out.splitlines()]
    assert told == ["1 s.", "2 s.", "4 s.", "8 s.", "16 s.", "32 s.", "60 s.", "60 s.", "60 s."]


NESTED = """
import os, signal, sys
from house.errors import Stopped
from house.supervisor import Supervisor

with Supervisor() as outer:
    child = outer.start("sleeper", [sys.executable, "-c", "import time; time.sleep(600)"])
    with Supervisor():
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    try:
        outer.wait_for(child)
    except Stopped:
        print("stopped")
"""


def test_a_signal_after_an_inner_supervisor_stops_the_outer_one() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", NESTED], cwd=CHECKOUT, capture_output=True, text=True, timeout=PATIENCE, check=False
    )

    assert ended.stdout == "stopped\n", ended.stderr
