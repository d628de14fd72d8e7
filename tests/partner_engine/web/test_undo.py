"""What was saved on the form page is undone by one save, unless somebody else has changed it since."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.http import HttpResponse

from batch.context import BatchContext
from copies.history import cause_of, list_revisions
from tenants.current_tenant import use_tenant
from tenants.models import Tenant, User
from tests.harness.page_client import Page, StartForm, markup, triggered_events

Open = Callable[[str], Page]
Read = Callable[[str], BatchContext]


def undo(page: Page, saved: HttpResponse, **more: object) -> HttpResponse:
    """Undo what the response ``saved`` reports as saved."""
    return page.order("undo", "", **triggered_events(saved)["copy-saved"]["undo"], **more)


def test_an_answer_is_undone_and_done_again(start_form: StartForm, open_page: Open, read: Read, harbor: Tenant) -> None:
    page = open_page(start_form({"mqs_business_name": "Ada"}))

    saved = page.answer({"mqs_business_name": "Ben"})
    undone = undo(page, saved)
    after_undo = read(page.copy_id).changeset.find_answer("mqs_business_name").value
    again = undo(page, undone, redo="1")

    assert triggered_events(saved)["copy-saved"]["undo"] == {"before": 1, "version": 2}
    assert after_undo == "Ada"
    assert "Undone:" in markup(undone)
    assert "data-redo" in markup(undone)
    assert "Done again:" in markup(again)
    context = read(page.copy_id)
    assert (context.changeset.find_answer("mqs_business_name").value, context.version) == ("Ben", 4)
    with use_tenant(harbor):
        causes = [cause_of(revision) for revision in list_revisions(context.copy.id)[:2]]
    assert [(cause.type, cause.id) for cause in causes] == [("undo_save", "3"), ("undo_save", "2")]


def test_a_change_by_somebody_else_is_not_overwritten(
    start_form: StartForm, open_page: Open, open_page_of: Callable[[User, str], Page], read: Read, member: User
) -> None:
    page = open_page(start_form({"mqs_business_name": "Ada"}))
    saved = page.answer({"mqs_business_name": "Ben", "mqs_year_started": "2015"})
    other = open_page_of(member, page.copy_id)
    other.version = 2
    other.answer({"mqs_business_name": "Cy"})

    response = undo(page, saved)

    assert response.status_code == 204
    refusal = triggered_events(response)["undo-refused"]
    assert refusal["path"] == "mqs_business_name"
    assert refusal["text"].startswith("Not undone: somebody else has changed “")
    context = read(page.copy_id)
    assert context.version == 3
    assert context.changeset.find_answer("mqs_business_name").value == "Cy"
    assert context.changeset.find_answer("mqs_year_started").value == 2015


def test_only_own_saves_are_undone(
    start_form: StartForm, open_page: Open, open_page_of: Callable[[User, str], Page], read: Read, member: User
) -> None:
    page = open_page(start_form({"mqs_business_name": "Ada"}))
    saved = page.answer({"mqs_business_name": "Ben"})

    response = undo(open_page_of(member, page.copy_id), saved)

    assert triggered_events(response)["undo-refused"]["text"] == "You can undo only what you saved on this page."
    assert read(page.copy_id).version == 2


def test_a_new_row_with_what_it_needs_is_undone_at_once(start_form: StartForm, open_page: Open, read: Read) -> None:
    building = {"answers": {"mqs_bld_desc": "Main"}}
    pools = {"locations": [{"answers": {}, "answer_pools": {"buildings": [building]}} for _ in range(2)]}
    page = open_page(start_form({"mqs_lobs": ["bop"]}, pools))
    before = [row.id for row in read(page.copy_id).changeset.find_pool("locations").rows]

    saved = page.order("add", "locations")
    undone = undo(page, saved)

    assert triggered_events(undone)["copy-saved"]["row"]["removed"]
    assert [row.id for row in read(page.copy_id).changeset.find_pool("locations").rows] == before


def test_a_removed_row_comes_back_alone(start_form: StartForm, open_page: Open, read: Read) -> None:
    owners = [{"answers": {"mqs_own_name": name, "mqs_own_dob": "1980-01-01"}} for name in "ABC"]
    page = open_page(start_form({}, {"owners": owners}))
    rows = read(page.copy_id).changeset.find_pool("owners").rows

    undone = undo(page, page.order("remove", rows[1].path))

    assert triggered_events(undone)["copy-saved"]["row"] == {
        "path": rows[1].path,
        "after": rows[0].path,
        "removed": False,
    }
    after = read(page.copy_id).changeset.find_pool("owners").rows
    assert [row.id for row in after] == [row.id for row in rows]
    assert after[1].find_answer("mqs_own_name").value == "B"


@pytest.mark.parametrize(("before", "version"), [("0", "1"), ("1", "1"), ("2", "1"), ("1", "99"), ("x", "2"), ("", "")])
def test_other_versions_are_a_bad_request(
    start_form: StartForm, open_page: Open, read: Read, *, before: str, version: str
) -> None:
    page = open_page(start_form())

    assert page.order("undo", "", before=before, version=version).status_code == 400
    assert read(page.copy_id).version == 1


def test_an_undo_that_is_sent_again_happens_once(start_form: StartForm, open_page: Open, read: Read) -> None:
    page = open_page(start_form({"mqs_business_name": "Ada"}))
    saved = page.answer({"mqs_business_name": "Ben"})

    undo(page, saved, key="a" * 32)
    again = undo(page, saved, key="a" * 32)

    assert again.status_code == 200
    context = read(page.copy_id)
    assert (context.version, context.changeset.find_answer("mqs_business_name").value) == (3, "Ada")
