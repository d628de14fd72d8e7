"""Paths: the checkout, its `.run` folder, and the home of the embedded PostgreSQL.

PostgreSQL refuses to run as root. Under root it therefore runs as `nobody`, and its software and data are where
`nobody` may enter: in `.run`, or, for a checkout below a closed folder, in a system folder that `.run` records.
"""

import contextlib
import fcntl
import json
import os
import pwd
import secrets
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from house.errors import HouseError

CHECKOUT = Path(__file__).resolve().parent.parent
RUN = CHECKOUT / ".run"
VENV = CHECKOUT / ".venv"
PYTHON = VENV / "bin" / "python"
SERVERS_FOLDER = VENV / "servers"

UNPRIVILEGED = "nobody"
SYSTEM_FOLDERS = (Path("/var/lib"), Path(tempfile.gettempdir()))


@dataclass(frozen=True)
class Account:
    """The user and group that a server runs as."""

    user_id: int
    group_id: int


def server_account() -> Account | None:
    """Return the account for PostgreSQL under root, None under an ordinary user, who runs it as himself."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(UNPRIVILEGED)
    except KeyError:
        raise HouseError(
            f"PostgreSQL refuses to run as root and there is no user '{UNPRIVILEGED}' to run it as: "
            "add that user, run as an ordinary user, or name a server with DATABASE_URL."
        ) from None
    return Account(user_id=entry.pw_uid, group_id=entry.pw_gid)


def database_home(account: Account | None) -> Path:
    """Return the folder of PostgreSQL's software and data; make it when missing, owned by `account`."""
    RUN.mkdir(exist_ok=True)
    is_inside = account is None or _can_be_entered_by_others(RUN)
    folder = RUN / "postgresql" if is_inside else _system_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    owner = os.geteuid() if account is None else account.user_id
    if account is not None and folder.stat().st_uid == os.geteuid():
        os.chown(folder, account.user_id, account.group_id)
    if folder.stat().st_uid != owner:
        raise HouseError(
            f"{folder} belongs to another user: run as the user who made it, or remove it (its data goes with it)."
        )
    return folder


@contextlib.contextmanager
def locked(path: Path, *, wait: bool) -> Iterator[bool]:
    """Hold the lock file `path` for the block; yield False when another process holds it (only with `wait=False`).

    The lock ends with the process, however that ends.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def _can_be_entered_by_others(folder: Path) -> bool:
    return all(part.stat().st_mode & 0o001 for part in (folder, *folder.parents))


def _system_folder() -> Path:
    """Return this checkout's folder in the system, chosen the first time.

    A random part of its name is stored in `.run`: a fresh clone at the same path never meets the data of an older one,
    and a copy of the checkout never shares it.
    """
    record = RUN / "database-home.json"
    with contextlib.suppress(OSError, ValueError, KeyError):
        known = json.loads(record.read_text(encoding="utf-8"))
        if known["checkout"] == str(CHECKOUT):
            return Path(known["home"])
    for parent in SYSTEM_FOLDERS:
        if os.access(parent, os.W_OK) and _can_be_entered_by_others(parent):
            home = parent / f"partner-engine-{secrets.token_hex(8)}"
            record.write_text(json.dumps({"checkout": str(CHECKOUT), "home": str(home)}), encoding="utf-8")
            return home
    raise HouseError(
        f"Only root may enter {CHECKOUT} and no system folder can take PostgreSQL's data: "
        "move the checkout, or name a server with DATABASE_URL."
    )
