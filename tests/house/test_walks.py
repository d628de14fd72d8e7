"""The walks of docs/architecture.md pass modules that exist, none of them twice."""

import re

import pytest

from house.rooms import CHECKOUT, PAGE

WALKS = re.findall(r"^### (.+?)\n(.*?)(?=^##|\Z)", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
#: A save is where a walk comes back to.
REVISITED = {"batch/save.py", "batch/changes/changeset.py"}


@pytest.mark.parametrize(("title", "walk"), WALKS, ids=[title for title, _ in WALKS])
def test_a_walk_visits_existing_modules_once(title: str, walk: str):
    modules = re.findall(r"^\| `([\w/]+\.py)` \|", walk, flags=re.MULTILINE)

    assert len(modules) > 5
    assert [module for module in modules if not (CHECKOUT / module).is_file()] == []
    assert len(set(modules) - REVISITED) == len([module for module in modules if module not in REVISITED])


def test_there_are_three_walks():
    assert len(WALKS) == 3
