"""`make matrix`: the core tests on each supported Python that is installed here, with the locked packages."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from house.checks import migrated_template, throw_away_servers
from house.packages import DEV, SERVERS, UV, ensure_packages, export_command, uv_environment
from house.place import CHECKOUT, RUN
from house.supervisor import Supervisor, say

VERSIONS = ("3.11", "3.12", "3.13", "3.14")
FOLDER = RUN / "matrix"
#: What depends most on the interpreter, in a few minutes: the document, sealing, the save, HTTP and its description.
CORE = ("tests/copies", "tests/encryption", "tests/batch/test_save.py", "tests/partner_engine/api/http")
QUICK = ("-m", "not slow and not fault and not browser")


def matrix(arguments: Sequence[str]) -> int:
    """Run the tests in `arguments`, by default the core, on each Python; return 0 when all that are here pass."""
    found = {version: path for version in VERSIONS if (path := _installed(version))}
    results = dict.fromkeys(VERSIONS, "not installed here")
    with Supervisor() as supervisor:
        ensure_packages(supervisor, DEV, SERVERS)
        template = migrated_template(supervisor)
        export = export_command(RUN / "matrix.txt", f"--group={DEV}")
        if supervisor.run(export, environment=uv_environment(), folder=CHECKOUT) != 0:
            return 1
    for version, path in found.items():
        with throw_away_servers(template=template) as (supervisor, environment):
            say(f"--- Python {version} ({path})")
            results[version] = _tried(supervisor, version, path, environment, arguments or CORE)
    say("\n".join(f"--- Python {version}: {result}" for version, result in results.items()))
    return 1 if any("failed" in result for result in results.values()) else 0


def _installed(version: str) -> str | None:
    """Return the path of this Python; version managers leave commands that do not start."""
    path = shutil.which(f"python{version}")
    if path is None or subprocess.call([path, "-c", ""], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) != 0:
        return None
    return path


def _tried(supervisor: Supervisor, version: str, path: str, environment: dict[str, str], tests: Sequence[str]) -> str:
    """Install, check and test with one Python; return the result in words."""
    python = FOLDER / version / "bin" / "python"
    own = {**uv_environment(), "UV_PYTHON": path}
    install: list[str | Path] = [UV, "pip", "install", "--quiet", "--no-build", "--require-hashes"]
    steps: dict[str, list[str | Path]] = {
        "the environment": [UV, "venv", "--quiet", "--clear", "--python", path, FOLDER / version],
        "the installation": [*install, "--python", python, "-r", RUN / "matrix.txt"],
        "the check": [python, "-W", "error", "manage.py", "check"],
        "a test": [python, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *QUICK, *tests],
    }
    for name, command in steps.items():
        settings = own if command[0] == UV else environment
        if supervisor.run(command, environment=settings, folder=CHECKOUT) != 0:
            return f"{name} failed"
    return "passed"
