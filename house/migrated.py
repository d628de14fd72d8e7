"""What the embedded database of `make run` was migrated with.

While nothing is released, migrations are rewritten in place; a database that an earlier text of them made is not
brought up to date by `migrate`. That is found out here and said, instead of failing on a missing column.
"""

import hashlib
import json
from pathlib import Path

from house.errors import HouseError
from house.place import CHECKOUT

NOTE = "migrations.json"


def refuse_rewritten_migrations(folder: Path) -> None:
    """Raise when a migration that made this instance's database has another text by now; `folder` is the instance's."""
    note = folder / NOTE
    known: dict[str, str] = json.loads(note.read_text(encoding="utf-8")) if note.exists() else {}
    is_older = not known and (folder / "servers.json").exists()
    now = _texts()
    if is_older or any(now.get(name) != text for name, text in known.items()):
        raise HouseError(
            "The database in .run was made by earlier migrations, which are rewritten while nothing is released: "
            "run `make clean` first. That deletes its data; the demo data is loaded anew."
        )


def note_migrations(folder: Path) -> None:
    """Note with what this instance's database was migrated now."""
    (folder / NOTE).write_text(json.dumps(_texts(), indent=1), encoding="utf-8")


def _texts() -> dict[str, str]:
    files = sorted(CHECKOUT.glob("*/migrations/0*.py"))
    return {str(path.relative_to(CHECKOUT)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
