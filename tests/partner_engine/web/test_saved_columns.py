"""The page that imports a file saves its columns by a name, proposes and uses them again, and deletes them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from catalogue.models import Release
from operations.models import ImportMapping
from tenants.current_tenant import use_tenant
from tenants.models import Tenant, User
from tests.harness.page_client import markup

pytestmark = pytest.mark.django_db

PAGE = "/operations/import"
FILE = b"Who,What,Note\nVellichor Bistro,llc,x\n"
CHOSEN = {"column": ["Who", "What", "Note"], "target": ["mqs_business_name", "mqs_legal_entity", ""]}


@pytest.fixture
def browser(demo: Release, owner: User, sign_in: Callable[[User], Client]) -> Client:
    """Return the owner's browser."""
    return sign_in(owner)


def send(browser: Client, content: bytes = FILE, *, status: int = 200, **fields: object) -> str:
    response = browser.post(PAGE, {"file": SimpleUploadedFile("x.csv", content), **fields})
    assert response.status_code == status, response.content
    return markup(response)


def targets(page: str) -> list[str]:
    return re.findall(r'name="target" list="questions" value="([^"]*)"', page)


def stored(tenant: Tenant) -> dict[str, str]:
    with use_tenant(tenant):
        return {row.name: str(row.id) for row in ImportMapping.objects.all()}


def test_columns_are_saved_proposed_used_and_deleted(browser: Client, harbor: Tenant) -> None:
    saved = send(browser, step="save", mapping_name="Our file", **CHOSEN)
    assert "The columns are saved as Our file." in saved
    assert targets(saved) == CHOSEN["target"]

    proposed = send(browser, FILE.replace(b"Who,What", b"What,Who"), step="look")
    assert "Columns as in Our file" in proposed
    assert targets(proposed) != CHOSEN["target"]
    assert "Columns as in" not in send(browser, FILE.replace(b"Note", b"Notes"), step="look")

    mapping_id = stored(harbor)["Our file"]
    assert targets(send(browser, use=mapping_id, column=["Who"], target=[""])) == CHOSEN["target"]

    deleted = send(browser, forget=mapping_id, **CHOSEN)
    assert "The saved columns are deleted." in deleted and "Columns as in" not in deleted
    assert targets(deleted) == CHOSEN["target"]
    assert stored(harbor) == {}


def test_a_refused_name_is_told_at_its_field_and_the_columns_stay(browser: Client, harbor: Tenant) -> None:
    send(browser, step="save", mapping_name="Our file", **CHOSEN)

    for name, text in (
        ("Our file", "with this name already"),
        ("", "write a name"),
        ("987-65-4321", "Social Security"),
    ):
        page = send(browser, status=422, step="save", mapping_name=name, **CHOSEN)
        assert re.search(rf'id="mapping-name-problem">[^<]*{text}', page), name
        assert 'aria-describedby="mapping-name-hint mapping-name-problem" aria-invalid="true"' in page
        assert targets(page) == CHOSEN["target"]
    headless = {"column": ["987-65-4321"], "target": ["title"]}
    page = send(browser, b"987-65-4321\n123-45-6789\n", status=422, step="save", mapping_name="Headless", **headless)
    assert re.search('id="import-problem" role="alert"[^>]*>The name of column 1 contains', page)
    assert list(stored(harbor)) == ["Our file"]


def test_colleagues_use_saved_columns_but_only_their_owner_deletes_them(
    browser: Client, harbor: Tenant, summit: Tenant, stranger: User, sign_in: Callable[[User], Client]
) -> None:
    send(browser, step="save", mapping_name="Our file", **CHOSEN)
    mapping_id = stored(harbor)["Our file"]
    with use_tenant(harbor):
        ImportMapping.objects.update(created_by_id="another")

    page = send(browser, step="look")
    assert "Columns as in Our file" in page and 'name="forget"' not in page
    assert "can delete it" in send(browser, status=422, forget=mapping_id, **CHOSEN)
    outsider = sign_in(stranger)
    assert "no such mapping" in send(outsider, status=422, forget=mapping_id, **CHOSEN)
    assert "no such mapping" in send(outsider, status=409, use=mapping_id)
    assert "no such mapping" in send(outsider, status=409, use="x")
    assert list(stored(harbor)) == ["Our file"]
