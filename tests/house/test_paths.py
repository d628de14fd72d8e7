"""Only ``copies.paths`` splits paths."""

import ast
import re
from pathlib import Path

import pytest

from copies.paths import RESERVED
from tests.house.test_promises import CHECKOUT, floors, tracked_files

CUTS = {"split", "rsplit", "partition", "rpartition", "count", "find", "rfind", "index", "rindex"}
#: What a source with such a place contains.
SLASHES = re.compile(
    "|".join([r"""(["'])/\1""", r"(?:copy|form)\.[^/\n]*/", *(re.escape(f"{word}/") for word in RESERVED)])
)
#: Files that split addresses, not paths of a copy.
ALLOWED: set[str] = {"partner_engine/api/http/description.py", "partner_engine/api/postman.py"}


def found_in(source: str) -> list[str]:
    """Return the places where a text is split at a slash, or a path is built or matched from literal text."""
    if not SLASHES.search(source):
        return []  # Reading a module as a tree takes much longer.
    return [
        f"{node.lineno}: {ast.unparse(node)[:80]}"
        for node in ast.walk(ast.parse(source))
        if _cuts_at_slash(node) or _looks_for_slash(node) or _is_beginning(node)
    ]


def _cuts_at_slash(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in CUTS
        and bool(node.args)
        and _is_slash(node.args[0])
    )


def _looks_for_slash(node: ast.AST) -> bool:
    return isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn) and _is_slash(node.left)


def _is_beginning(node: ast.AST) -> bool:
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return False
    first, slash, rest = node.value.partition("/")
    return bool(slash) and not rest and (first in RESERVED or first.startswith(("copy.", "form.")))


def _is_slash(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value == "/"


def product_files() -> list[Path]:
    return [
        path for path in tracked_files() if path.suffix == ".py" and path.relative_to(CHECKOUT).parts[0] in floors()
    ]


def test_no_other_module_splits_paths() -> None:
    own = CHECKOUT / "copies" / "paths.py"
    found = [
        f"{path.relative_to(CHECKOUT)}:{line}"
        for path in product_files()
        if path != own and path.relative_to(CHECKOUT).as_posix() not in ALLOWED
        for line in found_in(path.read_text())
    ]

    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "prefix, _, code = path.rpartition('/')",
        "steps = change.path.split('/')",
        "is_row = path.count('/') % 2",
        "code = path[path.rfind('/') + 1 :]",
        "nested = '/' in path",
        "path.startswith('copy.guest_links/')",
        "path = f'question_sets/{code}'",
    ],
)
def test_such_a_split_is_detected(source: str) -> None:
    assert len(found_in(source)) == 1


def test_other_text_is_not_reported() -> None:
    assert found_in("labels = host.split('.')\nnames = {'copy/title': 1}\nurl = f'{base}/copies/{id}'") == []
