"""The form asks once: a ZIP code brings its place, known answers are taken over, needed pools begin with a row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from batch.changes import decision
from batch.changes.changeset import Changeset
from batch.context import BatchContext
from copies.history import changes_of
from copies.models import CopyRevision
from copies.paths import Path
from tenants.current_tenant import use_tenant
from tenants.models import Tenant, User
from tests.harness.batch_asserts import assert_batch
from tests.harness.guests import guest_of
from tests.harness.page_client import Page, StartForm, markup, triggered_events
from tests.harness.socket_client import save

Open = Callable[[str], Page]
Read = Callable[[str], BatchContext]
MAIL = {"mqs_mail_street": "12 Pecan St", "mqs_mail_zip": "78701", "mqs_mail_city": "Austin", "mqs_mail_state": "TX"}


def values(context: BatchContext, *codes: str, prefix: str = "") -> list[object]:
    return [context.changeset.find_answer(f"{prefix}{code}").value for code in codes]


def test_a_zip_code_fills_city_and_state_in_the_same_save(start_form: StartForm, open_page: Open, read: Read) -> None:
    page = open_page(start_form())

    response = page.answer({"mqs_mail_zip": "78701"})

    context = read(page.copy_id)
    assert context.version == 2
    assert values(context, "mqs_mail_city", "mqs_mail_state") == ["Austin", "TX"]
    assert context.changeset.document.answers["mqs_mail_city"].answered_by.source == "zip"
    assert markup(response).count('<span class="filled">from ZIP</span>') == 2


def test_another_zip_code_replaces_its_own_words_and_never_those_of_a_person(
    start_form: StartForm, open_page: Open, read: Read
) -> None:
    page = open_page(start_form())

    page.answer({"mqs_mail_zip": "78701"})
    page.answer({"mqs_mail_city": "West Austin"})
    page.answer({"mqs_mail_zip": "43215"})

    context = read(page.copy_id)
    assert values(context, "mqs_mail_city", "mqs_mail_state") == ["West Austin", "OH"]
    assert markup(page.client.get(f"/forms/{page.copy_id}")).count(">from ZIP<") == 1


def test_what_is_answered_with_the_zip_code_stays_as_typed(start_form: StartForm, open_page: Open, read: Read) -> None:
    page = open_page(start_form())

    page.answer({"mqs_mail_zip": "78701", "mqs_mail_city": "Rollingwood"})

    assert values(read(page.copy_id), "mqs_mail_city", "mqs_mail_state") == ["Rollingwood", "TX"]


@pytest.mark.parametrize("typed", [{"mqs_mail_state": "Nowhere"}, {"mqs_mail_city": "x" * 5000}])
def test_what_is_refused_beside_the_zip_code_is_not_filled(
    start_form: StartForm, open_page: Open, read: Read, typed: dict[str, object]
) -> None:
    page = open_page(start_form())

    response = page.answer({"mqs_mail_zip": "78701", **typed})

    (code,) = typed
    assert [fault["path"] for fault in triggered_events(response)["answers-taken"]["faults"]] == [code]
    assert values(read(page.copy_id), "mqs_mail_zip", code) == ["78701", None]


def test_what_is_in_conflict_beside_the_zip_code_is_not_filled(
    start_form: StartForm, open_page: Open, open_page_of: Callable[[User, str], Page], read: Read, member: User
) -> None:
    page = open_page(start_form({"mqs_mail_city": "Dallas"}))
    open_page_of(member, page.copy_id).answer({"mqs_mail_city": ""})

    response = page.answer({"mqs_mail_zip": "78701", "mqs_mail_city": "Rollingwood"})

    assert [*triggered_events(response)["answers-taken"]["conflicts"]] == ["mqs_mail_city"]
    assert values(read(page.copy_id), "mqs_mail_zip", "mqs_mail_city", "mqs_mail_state") == ["78701", None, "TX"]


@pytest.mark.parametrize("typed", ["00000", "787", ""])
def test_an_unknown_or_refused_zip_code_fills_nothing(
    start_form: StartForm, open_page: Open, read: Read, typed: str
) -> None:
    page = open_page(start_form())

    page.answer({"mqs_mail_zip": typed})

    assert values(read(page.copy_id), "mqs_mail_city", "mqs_mail_state") == [None, None]


def test_the_zip_code_of_a_row_fills_the_row(start_form: StartForm, open_page: Open, read: Read) -> None:
    page = open_page(start_form({"mqs_lobs": ["bop"]}, {"locations": [{"answers": {}}]}))
    (location,) = read(page.copy_id).changeset.find_pool("locations").rows

    page.answer({f"{location.path}/mqs_loc_zip": "78701"})

    context = read(page.copy_id)
    assert values(context, "mqs_loc_city", "mqs_loc_state", prefix=f"{location.path}/") == ["Austin", "TX"]
    assert values(context, "mqs_mail_city") == [None]


def test_only_the_first_row_comes_whole_with_what_could_be_taken_over(
    start_form: StartForm, open_page: Open, read: Read
) -> None:
    rows: list[dict[str, Any]] = [{"answers": {}}, {"answers": {}}]
    page = open_page(start_form({"mqs_lobs": ["bop"], **MAIL}, {"locations": rows}))
    first, second = read(page.copy_id).changeset.find_pool("locations").rows

    texts = [markup(page.answer({f"{row.path}/mqs_loc_street": "1 Elm St"})) for row in (first, second)]

    ids = [row.path.replace("/", "-") for row in (first, second)]
    assert [f'id="r-{name}"' in text for name, text in zip(ids, texts, strict=True)] == [True, False]
    assert all(f'id="f-{name}-mqs_loc_street"' in text for name, text in zip(ids, texts, strict=True))
    assert f'id="rh-{ids[1]}"' in texts[1]


def test_the_first_location_is_taken_over_from_the_mailing_address(
    start_form: StartForm, open_page: Open, read: Read
) -> None:
    rows: list[dict[str, Any]] = [{"answers": {}}, {"answers": {}}]
    page = open_page(start_form({"mqs_lobs": ["bop"], **MAIL}, {"locations": rows}))
    first, second = read(page.copy_id).changeset.find_pool("locations").rows
    target = f"{first.path}/mqs_loc_street"
    offered = page.show()

    response = page.order("same-as", target)

    context = read(page.copy_id)
    assert offered.count("Same as mailing address") == 1
    assert f'data-same-as="{target}"' in offered
    assert context.version == 2
    taken = ("mqs_loc_street", "mqs_loc_zip", "mqs_loc_city", "mqs_loc_state")
    assert values(context, *taken, prefix=f"{first.path}/") == ["12 Pecan St", "78701", "Austin", "TX"]
    assert values(context, *taken, prefix=f"{second.path}/") == [None] * 4
    assert "Same as mailing address" not in markup(response)


def test_the_order_is_offered_as_soon_as_there_is_something_to_take_over(
    start_form: StartForm, open_page: Open
) -> None:
    page = open_page(start_form({"mqs_lobs": ["bop"]}, {"locations": [{"answers": {}}]}))

    before, after = page.show(), markup(page.answer({"mqs_mail_street": "12 Pecan St"}))

    assert "Same as mailing address" not in before
    assert "Same as mailing address" in after


def test_the_contact_becomes_an_owner_by_both_names(start_form: StartForm, open_page: Open, read: Read) -> None:
    page = open_page(start_form({"mqs_first_name": "Robin", "mqs_last_name": "Example"}, {"owners": [{"answers": {}}]}))
    (owner,) = read(page.copy_id).changeset.find_pool("owners").rows

    page.order("same-as", f"{owner.path}/mqs_own_name")

    assert values(read(page.copy_id), "mqs_own_name", prefix=f"{owner.path}/") == ["Robin Example"]


def test_only_questions_with_a_source_take_answers_over(start_form: StartForm, open_page: Open, read: Read) -> None:
    page = open_page(start_form(MAIL))

    refused = [page.order("same-as", path).status_code for path in ("mqs_mail_zip", "nothing", "locations/1/none")]

    assert all(status in (400, 404, 422) for status in refused), refused
    assert read(page.copy_id).version == 1


def test_a_guest_is_not_offered_what_they_may_not_see(start_form: StartForm, read: Read, harbor: Tenant) -> None:
    names = {"mqs_first_name": "Robin", "mqs_last_name": "Example"}
    copy_id = start_form(names, {"owners": [{"answers": {}}]})
    (owner,) = read(copy_id).changeset.find_pool("owners").rows
    client, _ = guest_of(harbor, copy_id)
    path = f"{owner.path}/mqs_own_name"

    shown = client.get(f"/guest/{copy_id}/form").content.decode()
    client.post(f"/guest/{copy_id}/rows", {"order": "same-as", "path": path, "version": "0"})

    assert path in shown
    assert "The contact is an owner" not in shown
    assert values(read(copy_id), "mqs_own_name", prefix=f"{owner.path}/") == [None]


def test_an_answer_opens_pools_with_the_rows_that_they_need_in_one_version(
    start_form: StartForm, open_page: Open, read: Read, harbor: Tenant
) -> None:
    page = open_page(start_form())

    response = page.answer({"mqs_lobs": ["bop", "wc"]})

    context = read(page.copy_id)
    (location,) = context.changeset.find_pool("locations").rows
    assert context.version == 2
    assert len(location.find_pool("buildings").rows) == 1
    assert len(context.changeset.find_pool("wc_classes").rows) == 1
    assert context.changeset.find_pool("prior_losses").rows == []
    assert f'name="{location.path}/mqs_loc_street"' in response.content.decode()
    with use_tenant(harbor):
        saved = CopyRevision.objects.get(copy_id=page.copy_id, version=2)
    assert {change.path for change in changes_of(saved) if change.cause.type == "user"} == {"mqs_lobs"}
    # Rows that a person removes do not come back.
    page.order("remove", location.path)
    page.answer({"mqs_annual_revenue": "5"})
    assert read(page.copy_id).changeset.find_pool("locations").rows == []


def test_rows_that_are_there_are_enough(start_form: StartForm, open_page: Open, read: Read) -> None:
    page = open_page(start_form({}, {"prior_losses": [{"answers": {"mqs_loss_paid": 5}}]}))

    page.answer({"mqs_any_losses": "true"})

    assert len(read(page.copy_id).changeset.find_pool("prior_losses").rows) == 1


def test_answers_over_the_api_start_no_rows(start_form: StartForm, read: Read, harbor: Tenant, owner: User) -> None:
    copy_id = start_form()

    save(harbor, owner.as_actor(source="api"), UUID(copy_id), {"mqs_lobs": ["bop"], "mqs_mail_zip": "78701"})

    assert read(copy_id).changeset.find_pool("locations").rows == []
    assert values(read(copy_id), "mqs_mail_city") == [None]


def test_a_save_that_starts_rows_keeps_every_promise_of_a_save(
    start_form: StartForm, harbor: Tenant, owner: User
) -> None:
    def open_lines(changeset: Changeset) -> None:
        changeset.starts_rows = True
        changeset.apply_answers({"mqs_lobs": ["bop", "wc", "auto"], "mqs_any_losses": True})

    result = assert_batch(UUID(start_form()), open_lines, scope=harbor, actor=owner.as_actor(source="web"))

    rows = {Path(change.path).pool for change in result.changes if Path(change.path).is_row}
    assert rows == {"locations", "buildings", "wc_classes", "vehicles", "drivers", "prior_losses"}


def test_the_rules_run_once_for_a_new_row_with_its_first_rows(
    start_form: StartForm, open_page: Open, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(start_form({"mqs_lobs": ["bop"]}))
    # The first location brings the group of buildings onto the form.
    page.order("add", "locations")
    runs = []
    fire = decision._fire
    monkeypatch.setattr(decision, "_fire", lambda *given: runs.append(given) or fire(*given))

    page.order("add", "locations")

    location = read(page.copy_id).changeset.find_pool("locations").rows[-1]
    assert len(location.find_pool("buildings").rows) == 1
    assert len(runs) == 1


def test_rows_are_not_begun_in_a_group_that_goes_in_the_same_save(
    start_form: StartForm, harbor: Tenant, owner: User
) -> None:
    def add_and_leave(changeset: Changeset) -> None:
        changeset.starts_rows = True
        changeset.find_pool("locations").add()
        changeset.apply_answers({"mqs_lobs": ["wc"]})

    form = start_form({"mqs_lobs": ["bop"]}, {"locations": [{"answers": {}, "answer_pools": {"buildings": [{}]}}]})
    result = assert_batch(UUID(form), add_and_leave, scope=harbor, actor=owner.as_actor(source="web"))

    pools = [Path(change.path).pool for change in result.changes if Path(change.path).is_row]
    assert "buildings" not in pools
    assert "locations" in pools
    assert not result.document.answer_pools["locations"][-1].answer_pools.get("buildings")


def test_a_new_form_begins_with_the_row_that_it_always_needs(
    sign_in: Callable[[User], Client], owner: User, read: Read, start_form: StartForm
) -> None:
    response = sign_in(owner).post("/forms/new", {"mqs_business_name": "Acme", "mqs_mail_zip": "78701"})

    context = read(response.headers["Location"].rstrip("/").rpartition("/")[2])
    assert context.version == 1
    assert values(context, "mqs_mail_city", "mqs_mail_state") == ["Austin", "TX"]
    assert len(context.changeset.find_pool("owners").rows) == 1
