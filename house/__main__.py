"""The door: `python3 -m house COMMAND`. Finds a Python that is new enough, then hands over to `house.commands`.

Kept to syntax that old Pythons parse too, so that they can say what is wrong instead of failing on a line of code.
"""

import os
import shutil
import subprocess
import sys

FLOOR = (3, 11)
NEWER = ("python3.11", "python3.12", "python3.13")


def works(python: str) -> bool:
    """Tell whether the interpreter starts: version managers leave commands behind that only say they are not active."""
    return subprocess.call([python, "-c", ""], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0


def main() -> int:
    """Run the command under a Python of at least 3.11; return the exit status."""
    if sys.version_info < FLOOR:
        newer = next((path for path in map(shutil.which, NEWER) if path and works(path)), None)
        if newer is None:
            found = ".".join(str(part) for part in sys.version_info[:3])
            sys.stderr.write(
                "Partner Engine needs Python 3.11 or newer and found " + found + ": install one, "
                "or name it: make PYTHON=/path/to/python3.11 ...\n"
            )
            return 2
        os.execv(newer, [newer, "-m", "house", *sys.argv[1:]])  # noqa: S606

    from house.commands import main as run_command  # noqa: PLC0415 - not before the version is known to be new enough

    return run_command(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
