"""The commands behind the Makefile's targets, and how their endings are told to the person at the terminal."""

import shlex
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from house.bootstrap import BENCHMARKS, DEVELOPMENT, PRODUCT, SERVERS, ensure_packages
from house.checking import bench, format_code, lint, test
from house.environment import product_environment
from house.errors import HouseError, Stopped
from house.place import CHECKOUT, PYTHON, RUN, VENV, database_home, locked, server_account
from house.running import run
from house.supervisor import Supervisor, say

LOCKED = {
    "requirements.in": PRODUCT,
    "requirements-servers.in": SERVERS,
    "requirements-dev.in": DEVELOPMENT,
    "requirements-bench.in": BENCHMARKS,
}


def main(arguments: Sequence[str]) -> int:
    """Run the command named first, with the rest as its arguments; return the exit status of the process."""
    name = arguments[0] if arguments else ""
    # make hands ARGS over as one text.
    own = shlex.split(" ".join(arguments[1:]))
    commands: dict[str, Callable[[], int]] = {
        "run": run,
        "test": lambda: test(own, is_full=False),
        "test-full": lambda: test(own, is_full=True),
        "bench": lambda: bench(own),
        "lint": lint,
        "format": format_code,
        "lock": lambda: lock(own),
        "clean": clean,
    }
    if name not in commands:
        sys.stderr.write(
            f"Usage: python3 -m house {{{','.join(commands)}}} [arguments]; `make help` tells what each does.\n"
        )
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
    """Write requirements*.txt anew from requirements*.in, with hashes; `--upgrade` takes newer packages."""
    with Supervisor() as supervisor:
        ensure_packages(supervisor, files=[PRODUCT, DEVELOPMENT])
        environment = product_environment({})
        for source, target in LOCKED.items():
            command: list[str | Path] = [
                *(PYTHON, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"),
                *("--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--no-annotate", "--no-header"),
                *(["--no-deps"] if target == SERVERS else []),
                *(*arguments, source, "--output-file", target),
            ]
            if supervisor.run(command, environment=environment, folder=CHECKOUT) != 0:
                raise HouseError(f"{source} could not be resolved; the lines above say which pins do not go together.")
            written = CHECKOUT / target
            text = written.read_text(encoding="utf-8")
            written.write_text(f"# Written by `make lock` from {source}.\n{text}", encoding="utf-8")
    return 0


def clean() -> int:
    """Remove everything that the house made, the data of `make run` included."""
    with locked(RUN / "run.lock", wait=False) as is_ours:
        if not is_ours:
            raise HouseError("Partner Engine runs from this folder: stop it with Ctrl-C in its terminal, then clean.")
        shutil.rmtree(database_home(server_account()))
        for folder in (
            RUN,
            VENV,
            *(CHECKOUT / f".{tool}_cache" for tool in ("mypy", "ruff", "pytest", "import_linter")),
        ):
            shutil.rmtree(folder, ignore_errors=True)
    return 0
