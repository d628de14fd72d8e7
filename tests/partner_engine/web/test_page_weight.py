"""No page loads more than 300 kB, as a deployment serves it: pages by gzip, static files compressed in advance."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import brotli
import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from catalogue.demo import Sample
from tenants.models import User
from tests.harness.page_client import StartForm

MOST_BYTES = 300_000
LOADED = re.compile(r'<(?:link|script|img)\b[^>]*?(?:href|src)="/static/([^"?]+)', re.DOTALL)
IMPORTED = re.compile(r"""(?:from|import)\s*["'](\.[^"']+)["']|url\(["']?([^"')]+?)["']?\)""")
#: Loaded only for text with other letters.
OTHER_LETTERS = "ext-wght"
OF_AGENTS = ("/", "/quotes", "/operations", "/operations/new", "/operations/import")
OF_FORMS = ("", "/quotes", "/compare", "/history", "/proposal", "/declines")


@cache
def static_bytes(name: str) -> int:
    """Return the size of a static file as WhiteNoise sends it: by Brotli, fonts as they are."""
    content = Path(str(finders.find(name))).read_bytes()
    return min(len(brotli.compress(content)), len(content))


@cache
def needed_by(name: str) -> frozenset[str]:
    """Return the names of the file and of everything that it imports."""
    names, left = set[str](), [name]
    while left:
        current = left.pop()
        if current in names or OTHER_LETTERS in current:
            continue
        names.add(current)
        path = Path(str(finders.find(current)))
        if path.suffix in {".js", ".css"} and current.startswith("web/"):
            here = (Path(current).parent / (one or other) for one, other in IMPORTED.findall(path.read_text("utf-8")))
            left += [str(Path("/", each).resolve().relative_to("/")) for each in here if "data:" not in str(each)]
    return frozenset(names)


def bytes_of(client: Client, path: str) -> int:
    """Return the bytes of a page with everything that it loads."""
    response = client.get(path, headers={"Accept-Encoding": "gzip, br"})
    assert (response.status_code, response.headers["Content-Encoding"]) == (200, "gzip"), path
    page = gzip.decompress(response.content).decode()
    files = frozenset[str]().union(*(needed_by(name) for name in LOADED.findall(page)))
    assert files, path
    return len(response.content) + sum(static_bytes(name) for name in files)


@pytest.mark.django_db
@pytest.mark.parametrize("path", OF_AGENTS)
def test_pages_of_agents(demo: object, owner: User, sign_in: Callable[[User], Client], path: str) -> None:
    assert bytes_of(sign_in(owner), path) <= MOST_BYTES


@pytest.mark.django_db
def test_the_sign_in(client: Client) -> None:
    assert bytes_of(client, "/sign-in") <= MOST_BYTES


@pytest.mark.django_db
@pytest.mark.parametrize("view", OF_FORMS)
def test_pages_of_a_filled_form(
    start_form: StartForm, owner: User, sign_in: Callable[[User], Client], s1: Sample, view: str
) -> None:
    copy_id = start_form(s1.answers, s1.answer_pools, as_of=s1.as_of)

    assert bytes_of(sign_in(owner), f"/forms/{copy_id}{view}") <= MOST_BYTES


@pytest.mark.django_db
def test_responses_of_the_api_keep_their_strong_etags(
    start_form: StartForm, owner: User, sign_in: Callable[[User], Client], s1: Sample
) -> None:
    copy_id = start_form(s1.answers, s1.answer_pools, as_of=s1.as_of)

    response = sign_in(owner).get(f"/api/v1/copies/{copy_id}", headers={"Accept-Encoding": "gzip"})

    assert response.headers["Content-Type"] != "text/html"
    assert "Content-Encoding" not in response.headers
