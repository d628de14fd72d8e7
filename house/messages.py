"""`make messages`: compile the translations in `locale/`, so that an installation needs no tools of gettext."""

from pathlib import Path

from house.packages import DEV, ensure_packages
from house.place import CHECKOUT, PYTHON
from house.supervisor import Supervisor

_COMPILE = "import sys, polib; polib.pofile(sys.argv[1]).save_as_mofile(sys.argv[2])"


def messages() -> int:
    """Write each `.mo` from its `.po`; return 0 when all are valid."""
    with Supervisor() as supervisor:
        ensure_packages(supervisor, DEV)
        for source in sorted(CHECKOUT.glob("locale/*/LC_MESSAGES/*.po")):
            command: list[str | Path] = [PYTHON, "-c", _COMPILE, source, source.with_suffix(".mo")]
            if supervisor.run(command, folder=CHECKOUT) != 0:
                return 1
    return 0
