"""The bytes that a browser loads for a page, as a deployment serves it: pages by gzip, static files by Brotli."""

from __future__ import annotations

import gzip
import re
from functools import cache
from pathlib import Path
from typing import Final

import brotli
from django.contrib.staticfiles import finders
from django.http import HttpResponse

#: The most that a page of agents or guests loads, and one of the admin.
MOST_BYTES: Final = 300_000
MOST_BYTES_OF_ADMIN: Final = 600_000
_LOADED: Final = re.compile(r'<(?:link|script|img)\b[^>]*?(?:href|src)="/static/([^"?]+)', re.DOTALL)
_IMPORTED: Final = re.compile(r"""(?:from|import)\s*["'](\.[^"']+)["']|url\(["']?([^"')]+?)["']?\)""")
_FACE: Final = re.compile(r"@font-face\s*{[^}]*}")
_LATIN: Final = "U+0000-00FF"


def is_page(response: HttpResponse) -> bool:
    """Return whether a response is a whole page, and not a part of one or a file."""
    return response.headers.get("Content-Type", "").startswith("text/html") and "<html" in page_of(response)


def page_of(response: HttpResponse) -> str:
    """Return the text of a page that may be compressed."""
    is_packed = response.headers.get("Content-Encoding") == "gzip"
    return (gzip.decompress(response.content) if is_packed else response.content).decode()


def weight_of(response: HttpResponse) -> int:
    """Return the bytes of a page with all static files that it loads. A page that is not compressed counts as it is."""
    files = loaded_files(page_of(response))
    assert files, "a page without static files"
    return len(response.content) + sum(static_bytes(name) for name in files)


def loaded_files(page: str) -> frozenset[str]:
    """Return the names of the static files that a browser loads for ``page`` with Latin text."""
    return frozenset[str]().union(*(_needed_by(name) for name in _LOADED.findall(page)))


@cache
def static_bytes(name: str) -> int:
    """Return the size of a static file as WhiteNoise sends it: by Brotli, fonts as they are."""
    content = _path(name).read_bytes()
    return min(len(brotli.compress(content)), len(content))


@cache
def _needed_by(name: str) -> frozenset[str]:
    """Return the names of the file and of everything that it imports."""
    names, left = set[str](), [name]
    while left:
        current = left.pop()
        if current in names:
            continue
        names.add(current)
        if Path(current).suffix in {".js", ".css"}:
            here = (Path("/", current).parent / found for found in _imports_of(current))
            left += [str(path.resolve().relative_to("/")) for path in here if finders.find(_name(path))]
    return frozenset(names)


def _imports_of(name: str) -> list[str]:
    # A browser loads a font for other letters only where a page has some.
    text = _FACE.sub(lambda face: face[0] if _is_latin(face[0]) else "", _path(name).read_text("utf-8"))
    return [module or address for module, address in _IMPORTED.findall(text) if "data:" not in address]


def _is_latin(face: str) -> bool:
    return "unicode-range" not in face or _LATIN in face


def _name(path: Path) -> str:
    return str(path.resolve().relative_to("/"))


def _path(name: str) -> Path:
    found = finders.find(name)
    assert isinstance(found, str), name
    return Path(found)
