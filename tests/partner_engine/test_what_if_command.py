"""``manage.py what_if``, and the same report on the page before a publish."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from catalogue.loader import load
from catalogue.models import Catalogue
from partner_engine.admin import book_impact
from tenants.models import Tenant, User
from tests.harness.kennel_book import DRAFTS, make_book
from tests.harness.kennel_catalogue import KENNELS
from tests.harness.later_releases import publish_release
from tests.harness.page_client import markup

pytestmark = pytest.mark.django_db


@pytest.fixture
def book(db: None) -> Tenant:
    """Return a tenant with twelve open copies, and a draft that is dearer."""
    publish_release(KENNELS)
    tenant = Tenant.objects.create(code="book", name="Book Brokers", catalogue="kennels")
    make_book(tenant, 12)
    load(DRAFTS["dearer"])
    return tenant


def run(*arguments: str) -> str:
    shown = StringIO()
    call_command("what_if", "kennels", *arguments, "--workers", "1", stdout=shown)
    return shown.getvalue()


@pytest.mark.usefixtures("book")
def test_the_command_sums_up_and_writes_every_changed_copy(tmp_path: Path) -> None:
    lines, rows = tmp_path / "book.ndjson", tmp_path / "book.csv"

    shown = run("--ndjson", str(lines), "--csv", str(rows))
    report = json.loads(run("--json"))

    assert "The draft is published." in shown
    assert f"Premium moved: {report['moved']['amount']} USD" in shown
    copies = [json.loads(line) for line in lines.read_text().splitlines()]
    assert len(copies) == report["changed"]
    with rows.open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert sum(int(row["moved"]) for row in table) == float(report["moved"]["amount"])
    assert len(table) == sum(len(copy["products"]) for copy in copies)


@pytest.mark.usefixtures("book")
def test_the_command_supposes_a_release_or_answers_for_some_copies() -> None:
    assert "Release" in run("--release", "1")
    assert json.loads(run("--answers", '{"cat_count": 120}', "--query", "Kennel 4", "--json"))["copies"] == 1
    assert json.loads(run("--tenant", "book", "--json"))["copies"] == 12


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--release", "9"), "no release 9"),
        (("--answers", "[1]"), "must be a JSON object"),
        (("--answers", "{"), "not JSON"),
        (("--answers", '{"owner_ssn": "1"}'), "owner_ssn: Personal and sensitive"),
        (("--answers", "{}", "--release", "1"), "not both"),
        (("--tenant", "nobody"), "no tenant 'nobody'"),
        (("--csv", "/nowhere/x.csv"), "Cannot write"),
    ],
)
@pytest.mark.usefixtures("book")
def test_the_command_names_what_is_wrong(arguments: tuple[str, ...], text: str) -> None:
    with pytest.raises(CommandError, match=text):
        run(*arguments)


@pytest.mark.usefixtures("book")
def test_staff_see_before_a_publish_what_it_would_change_with_its_money(
    staff: User, sign_in: Callable[[User], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, catalogue = sign_in(staff), Catalogue.objects.get(code="kennels")
    address = reverse("admin:catalogue_catalogue_publish", args=[catalogue.pk])
    report = json.loads(run("--json"))

    page = markup(client.get(address))
    monkeypatch.setattr(book_impact, "MOST_AT_ONCE", 5)
    first = markup(client.get(address))

    assert f"Premiums would move by {report['moved']['amount']} USD" in " ".join(page.split())
    assert "manage.py what_if kennels" not in page
    assert "manage.py what_if kennels" in first
