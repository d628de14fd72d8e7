"""The product's own static files, and the name of the manifest of what was collected from this version.

Versions share a folder of collected files while one follows the other. Each has its own manifest there, so that a web
process of either may start at any time, also after a step back.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from pathlib import Path
from typing import Final

from django.conf import settings

#: The manifest of the version that was collected last.
MANIFEST: Final = "staticfiles.json"


#: The part of a collected file's name that says what is in it.
_HASH: Final = re.compile(r"\.([0-9a-f]{12})(?=\.|\Z)")


def is_whole(path: Path) -> bool:
    """Return whether a collected file is there, with the content that the hash in its name stands for."""
    try:
        content = path.read_bytes()
    except OSError:
        return False
    hashes = _HASH.findall(path.name)
    return not hashes or hashlib.md5(content, usedforsecurity=False).hexdigest().startswith(hashes[-1])


def is_named_by_content(path: Path) -> bool:
    """Return whether the last hash in the name of a collected file is that of its content."""
    return _HASH.search(path.name) is not None and is_whole(path)


def own_files() -> list[tuple[Path, str]]:
    """Return the product's own static files with their names."""
    folders = [Path(folder) for folder in settings.STATICFILES_DIRS]
    paths = [(path, path.relative_to(folder).as_posix()) for folder in folders for path in sorted(folder.rglob("*"))]
    return [(path, name) for path, name in paths if path.is_file()]


def own_manifest() -> str:
    """Return the name of this version's manifest, made of its files and of its packages, which have files too."""
    digest = hashlib.sha256()
    with suppress(FileNotFoundError):
        digest.update((settings.BASE_DIR / "requirements.txt").read_bytes())
    for path, name in own_files():
        digest.update(f"{name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return f"staticfiles-{digest.hexdigest()[:16]}.json"
