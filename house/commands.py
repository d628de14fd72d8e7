"""The commands behind the Makefile's targets, and how their ends are reported at the terminal."""

import shlex
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from house.bill_of_materials import sbom
from house.checks import bench, format_code, lint, screenshots, test
from house.documentation import docs
from house.errors import HouseError, Stopped
from house.matrix import matrix
from house.messages import messages
from house.packages import INSTALLER, UV, ensure_uv, export_command, uv_environment
from house.place import CHECKOUT, RUN, VENV, database_home, locked, server_account
from house.product import run
from house.rooms import write_picture
from house.supervisor import Supervisor, say

CACHES = (".mypy_cache", ".ruff_cache", ".pytest_cache", ".import_linter_cache")


def main(arguments: Sequence[str]) -> int:
    """Run the command named first, with the rest as its arguments; return the exit status of the process."""
    name = arguments[0] if arguments else ""
    # make passes ARGS as one text.
    own = shlex.split(" ".join(arguments[1:]))
    commands: dict[str, Callable[[], int]] = {
        "run": run,
        "test": lambda: test(own, is_full=False),
        "test-full": lambda: test(own, is_full=True),
        "bench": lambda: bench(own),
        "screenshots": lambda: screenshots(own),
        "lint": lint,
        "format": format_code,
        "rooms": write_picture,
        "docs": docs,
        "messages": messages,
        "sbom": lambda: sbom(own),
        "matrix": lambda: matrix(own),
        "lock": lambda: lock(own),
        "clean": clean,
    }
    if name not in commands:
        sys.stderr.write(f"Usage: python3 -m house {{{','.join(commands)}}} [arguments]; `make help` explains them.\n")
        return 2
    try:
        RUN.mkdir(mode=0o755, exist_ok=True)
        return commands[name]()
    except HouseError as error:
        sys.stderr.write(f"\n{error}\n")
        return 1
    except Stopped as stopped:
        say("\nStopped.")
        return 128 + stopped.signal_number
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        sys.stderr.write(
            f"\n{where}{error.strerror or error}; check its owner and the free space, and run the command again.\n"
        )
        return 1


def lock(arguments: Sequence[str]) -> int:
    """Resolve pyproject.toml into uv.lock and export from it; `--upgrade` takes newer packages."""
    with Supervisor() as supervisor:
        ensure_uv(supervisor)
        resolve: list[str | Path] = [UV, "lock", *arguments]
        for command in (
            resolve,
            export_command("requirements.txt"),
            export_command("requirements-aws.txt", "--extra", "aws"),
            export_command("requirements-otel.txt", "--extra", "otel"),
            export_command("requirements-mcp.txt", "--extra", "mcp"),
            export_command(INSTALLER, "--only-group", "installer"),
        ):
            if supervisor.run(command, environment=uv_environment(), folder=CHECKOUT) != 0:
                raise HouseError(
                    "The packages could not be resolved; the lines above say which pins do not go together."
                )
    return 0


def clean() -> int:
    """Remove everything that these commands made, the data of `make run` included."""
    with locked(RUN / "run.lock", wait=False) as is_ours:
        if not is_ours:
            raise HouseError("Partner Engine runs from this folder: stop it with Ctrl-C in its terminal, then clean.")
        shutil.rmtree(database_home(server_account()))
        for folder in (RUN, VENV, *(CHECKOUT / cache for cache in CACHES)):
            shutil.rmtree(folder, ignore_errors=True)
    return 0
