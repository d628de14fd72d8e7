"""Entry point `python3 -m house COMMAND`: find Python 3.11 or newer, then run `house.commands`.

Uses only syntax that older Pythons parse too, so that they print the reason instead of a syntax error.
"""

import os
import shutil
import subprocess
import sys

OLDEST = (3, 11)
NEWER = ("python3.11", "python3.12", "python3.13")


def starts(python: str) -> bool:
    """Return whether the interpreter starts; version managers leave commands that only print that they are inactive."""
    return subprocess.call([python, "-c", ""], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0


def main() -> int:
    """Run the command under Python 3.11 or newer; return the exit status."""
    if sys.version_info < OLDEST:
        newer = next((path for path in map(shutil.which, NEWER) if path and starts(path)), None)
        if newer is None:
            version = ".".join(str(part) for part in sys.version_info[:3])
            sys.stderr.write(
                "Partner Engine needs Python 3.11 or newer and found " + version + ": install one, "
                "or name it: make PYTHON=/path/to/python3.11 ...\n"
            )
            return 2
        os.execv(newer, [newer, "-m", "house", *sys.argv[1:]])  # noqa: S606
    from house.commands import main as run_command  # noqa: PLC0415 - only after the version is checked

    return run_command(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
