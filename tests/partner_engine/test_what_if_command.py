"""``manage.py what_if``, and the same report on the page before a publish."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import date
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from catalogue.case_files import FileCase
from catalogue.case_rows import load_cases
from catalogue.loader import load
from catalogue.models import Catalogue
from catalogue.packages.contents import Expected
from partner_engine.admin import book_impact
from partner_engine.admin.book_impact import signed
from partner_engine.management.commands import what_if
from tenants.access import Role
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


WRONG = [
    (("--release", "9"), "no release 9"),
    (("--answers", "[1]"), "must be a JSON object"),
    (("--answers", "{"), "not JSON"),
    (("--answers", '{"owner_ssn": "1"}'), "owner_ssn: Personal and sensitive"),
    (("--answers", "{}", "--release", "1"), "not both"),
    (("--tenant", "nobody"), "no tenant 'nobody'"),
    (("--csv", "/nowhere/x.csv"), "Cannot write"),
]


@pytest.mark.usefixtures("book")
def test_the_command_names_what_is_wrong(subtests: pytest.Subtests) -> None:
    for arguments, text in WRONG:
        with subtests.test(text), pytest.raises(CommandError, match=text):
            run(*arguments)


@pytest.mark.usefixtures("book")
def test_staff_see_before_a_publish_what_it_would_change_with_its_money(
    staff: User, sign_in: Callable[[User], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, catalogue = sign_in(staff), Catalogue.objects.get(code="kennels")
    address = reverse("admin:catalogue_catalogue_publish", args=[catalogue.pk])
    report = json.loads(run("--json"))

    page = markup(client.get(address))
    monkeypatch.setattr(book_impact, "STEPS", (5, 10, 20))
    first, more, wrong = (markup(client.get(address, {"copies": copies})) for copies in ("5", "10", "7"))

    assert signed(report["moved"]["amount"]) in page
    assert all(signed(one["amount"]) in page for one in report["by_product"].values())
    assert "manage.py what_if kennels" not in page
    assert "this page decided the first 5." in " ".join(first.split())
    assert [f"?copies={step}" in first for step in (10, 20)] == [True, True]
    assert "this page decided the first 10." in " ".join(more.split())
    assert "this page decided the first 5." in " ".join(wrong.split())


@pytest.mark.usefixtures("book")
def test_staff_download_what_a_publish_would_change(
    staff: User, sign_in: Callable[[User], Client], book: Tenant
) -> None:
    agent_user = User.objects.create_user("agent@book.example", "secret", role=Role.AGENT, tenant=book)
    catalogue = Catalogue.objects.get(code="kennels")
    address = reverse("admin:catalogue_catalogue_impact", args=[catalogue.pk])
    report = json.loads(run("--json"))

    response = sign_in(staff).get(address)

    assert "kennels-impact.csv" in response["Content-Disposition"]
    table = list(csv.DictReader(StringIO(response.content.decode("utf-8-sig"))))
    assert sum(int(row["moved"]) for row in table) == float(report["moved"]["amount"])
    assert len({row["copy"] for row in table}) == report["changed"]
    assert sign_in(agent_user).get(address).status_code in (302, 403)


@pytest.mark.usefixtures("book")
def test_the_impact_is_shown_while_golden_cases_differ(staff: User, sign_in: Callable[[User], Client]) -> None:
    catalogue = Catalogue.objects.get(code="kennels")
    case = FileCase(
        name="Another price",
        as_of=date(2026, 6, 1),
        answers={"lines": ["premises"]},
        expect={"PA-CARE": Expected(outcome="refer")},
    )
    load_cases(catalogue, DRAFTS["dearer"], [case], actor_id="tester")

    page = markup(sign_in(staff).get(reverse("admin:catalogue_catalogue_publish", args=[catalogue.pk])))

    assert "What would change" in page
    assert "golden_cases[Another price]" in page
    assert "Publish for all forms" not in page


@pytest.mark.usefixtures("book")
def test_the_command_shows_its_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(what_if, "_PROGRESS_SECONDS", 0.0)
    progress = StringIO()

    call_command("what_if", "kennels", "--workers", "1", stdout=StringIO(), stderr=progress)

    lines = progress.getvalue().splitlines()
    assert lines[-1] == "12 of about 12 open copies"
    assert len(lines) == 12
