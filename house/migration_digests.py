"""Digests of the migrations that created the embedded database of `make run`.

Until the first release migrations are rewritten in place, and `migrate` cannot update a database that an earlier text
of them created. Such a database is refused here instead of failing later on a missing column.
"""

import hashlib
import json
import re
from pathlib import Path

from house.errors import HouseError
from house.place import CHECKOUT

FILE = "migrations.json"


def refuse_rewritten_migrations(folder: Path) -> None:
    """Raise when a migration changed after it created the database of the instance in `folder`."""
    path = folder / FILE
    known: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    is_older = not known and (folder / "servers.json").exists()
    current = _digests()
    if is_older or any(current.get(name) != digest for name, digest in known.items()):
        raise HouseError(
            "The database in .run was made by earlier migrations, which are rewritten while nothing is released: "
            "run `make clean` first. That deletes its data; the demo data is loaded again."
        )


def store_migrations(folder: Path) -> None:
    """Store the digests of the migrations that the instance in `folder` has now."""
    (folder / FILE).write_text(json.dumps(_digests(), indent=1), encoding="utf-8")


def schema_digest() -> str:
    """Return a digest of everything that decides on the tables: migrations, their imports, packages and servers."""
    texts = [path.read_text(encoding="utf-8") for path in _migrations()]
    names = {name for text in texts for name in re.findall(r"^(?:from|import) ([\w.]+)", text, flags=re.MULTILINE)}
    modules = sorted(path for name in names if (path := CHECKOUT / (name.replace(".", "/") + ".py")).exists())
    texts += [
        path.read_text(encoding="utf-8") for path in (*modules, CHECKOUT / "uv.lock", CHECKOUT / "house" / "servers.py")
    ]
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def _migrations() -> list[Path]:
    return sorted(CHECKOUT.glob("*/migrations/0*.py"))


def _digests() -> dict[str, str]:
    return {str(path.relative_to(CHECKOUT)): hashlib.sha256(path.read_bytes()).hexdigest() for path in _migrations()}
