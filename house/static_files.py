"""Collect the product's static files without compressing them, for checks of a production environment."""

import json
import shutil
from pathlib import Path

from house.place import CHECKOUT


def collect_plainly(folder: Path) -> None:
    """Copy the static files into `folder` with a manifest in which each keeps its name, as partner_engine.E013 wants
    them.
    """
    shutil.copytree(CHECKOUT / "static", folder, dirs_exist_ok=True)
    names = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()]
    manifest = {"paths": {name: name for name in names}, "version": "1.1", "hash": ""}
    (folder / "staticfiles.json").write_text(json.dumps(manifest), encoding="utf-8")
