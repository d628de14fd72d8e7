"""The start page of the admin loads at most 600 kB, as a deployment serves it."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from urllib.parse import urljoin

from django.contrib.staticfiles import finders
from django.test import Client

MOST = 600_000
#: Files that are compressed already, and are served as they are.
PACKED = {".woff2"}
_LOADED = re.compile(r'<(?:link|script|img)\b[^>]*?\b(?:href|src)="/static/([^"?]+)"')
_FACE = re.compile(r"@font-face\s*{[^}]*}")
_URL = re.compile(r'url\("?([^")]+)"?\)')


def loaded_files(html: str) -> set[str]:
    """Return the static files that a browser loads for ``html`` with Latin text, fonts of the style sheets included."""
    files = set(_LOADED.findall(html))
    for sheet in [name for name in files if name.endswith(".css")]:
        for face in _FACE.findall(content(sheet).decode()):
            # A browser loads a font of other characters only when it meets one.
            if "unicode-range" not in face or "U+0000-00FF" in face:
                files |= {urljoin(sheet, url) for url in _URL.findall(face)}
    return files


def content(name: str) -> bytes:
    found = finders.find(name)
    assert isinstance(found, str), name
    return Path(found).read_bytes()


def size(name: str) -> int:
    text = content(name)
    return len(text) if Path(name).suffix in PACKED else len(gzip.compress(text, 6))


def test_the_start_page_is_light(admin: Client) -> None:
    page = admin.get("/admin/").content

    sizes = {name: size(name) for name in loaded_files(page.decode())}

    assert "web/fonts/inter-latin-wght-normal.woff2" in sizes
    assert not [name for name in sizes if "Inter-" in name]
    # The page itself is counted as it is: only files are compressed.
    assert len(page) + sum(sizes.values()) <= MOST, sorted(sizes.items(), key=lambda item: -item[1])
