"""In production the names of static files have hashes, also where one module imports another."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from partner_engine.static_storage import ModuleStorage
from tests.browser_code.test_modules import ENTRIES, IMPORT, MODULES, WEB


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Collect the project's own files under names with hashes, as a deployment does; return the folder."""
    folder = tmp_path_factory.mktemp("collected")
    shutil.copytree(WEB, folder / "web")
    storage = ModuleStorage(location=str(folder), base_url="/static/")
    paths = {str(path.relative_to(folder)): (storage, str(path.relative_to(folder))) for path in folder.rglob("*.*")}
    for name, _, processed in storage.post_process(paths):
        assert not isinstance(processed, Exception), f"{name}: {processed}"
    return folder / "web"


def final_name(collected: Path, module: Path) -> Path:
    """Return the file that browsers get for ``module``: of several passes, the last one written."""
    around = (collected / module.relative_to(WEB)).parent
    found = [path for path in around.iterdir() if re.fullmatch(rf"{module.stem}\.[0-9a-f]{{12}}\.js", path.name)]
    return max(found, key=lambda path: path.stat().st_mtime_ns)


def test_every_module_imports_the_others_by_their_final_names(collected: Path) -> None:
    finals = {module: final_name(collected, module) for module in MODULES}
    assert {module.stem for module in ENTRIES} == {
        "agent-form",
        "all-quotes",
        "bind",
        "form-view",
        "forms",
        "guest-form",
        "guest-link",
        "import",
        "new-form",
        "operations",
        "page",
        "print",
        "proposal",
        "quotes",
        "running",
    }
    for module, final in finals.items():
        there = IMPORT.findall(final.read_text(encoding="utf-8"))
        wanted = [finals[(module.parent / name).resolve()] for name in IMPORT.findall(module.read_text("utf-8"))]
        assert [(final.parent / name).resolve() for name in there] == wanted, module.name
