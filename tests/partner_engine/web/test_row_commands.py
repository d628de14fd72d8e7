"""Rows added, duplicated, removed and put back over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import msgspec
import pytest
import zstandard

from batch.context import BatchContext
from catalogue import release_pointer
from catalogue.models import Release
from copies.document import walk_answers
from rules.definition.model import CompiledCatalogue
from tenants.models import Tenant
from tests.harness.cast import PERSONAL_DEMO_RELEASE
from tests.harness.guests import guest_of
from tests.harness.page_client import Page, StartForm, markup

TEXTS: Final = ("text", "long_text")
Open = Callable[[str], Page]
Read = Callable[[str], BatchContext]


def test_added_location_brings_the_building_that_it_needs(start_form: StartForm, open_page: Open, read: Read) -> None:
    page = open_page(start_form({"mqs_lobs": ["bop"]}))

    response = page.order("add", "locations")

    (location,) = read(page.copy_id).changeset.find_pool("locations").rows
    assert len(location.find_pool("buildings").rows) == 1
    assert settled_events(response)["row-added"] == {"path": location.path}
    assert f'name="{location.path}/mqs_loc_street"' in response.content.decode()


def test_removed_row_can_be_put_back_where_it_was(start_form: StartForm, open_page: Open, read: Read) -> None:
    owners = [
        {"answers": {"mqs_own_name": name, "mqs_own_dob": f"1980-01-0{day}"}} for day, name in enumerate("ABC", 1)
    ]
    page = open_page(start_form({}, {"owners": owners}))
    first, second, third = read(page.copy_id).changeset.find_pool("owners").rows

    removed = markup(page.order("remove", second.path))
    after_removal = [row.id for row in read(page.copy_id).changeset.find_pool("owners").rows]
    page.order("put-back", second.path, version=1)

    context = read(page.copy_id)
    assert f'data-put-back="{second.path}" data-version="1"' in removed
    assert after_removal == [first.id, third.id]
    assert [row.id for row in context.changeset.find_pool("owners").rows] == [first.id, second.id, third.id]
    dob = context.changeset.find_pool("owners").find_row(second.id).find_answer("mqs_own_dob")
    assert (
        context.changeset.sealing.reveal(
            dob.path, context.changeset.document.answer_pools["owners"][1].answers["mqs_own_dob"]
        )
        == "1980-01-02"
    )


def test_restoring_twice_gives_one_row(start_form: StartForm, open_page: Open, read: Read) -> None:
    page = open_page(start_form({}, {"owners": [{"answers": {"mqs_own_name": "A"}}]}))
    (row,) = read(page.copy_id).changeset.find_pool("owners").rows
    page.order("remove", row.path)

    page.order("put-back", row.path, version=1)
    page.order("put-back", row.path, version=1)

    assert len(read(page.copy_id).changeset.find_pool("owners").rows) == 1


def test_duplicate_copies_nested_rows_but_nothing_sensitive(start_form: StartForm, open_page: Open, read: Read) -> None:
    building = {"answers": {"mqs_bld_desc": "Main"}}
    pools = {
        "locations": [{"answers": {"mqs_loc_street": "12 Pecan St"}, "answer_pools": {"buildings": [building]}}],
        "owners": [{"answers": {"mqs_own_name": "A", "mqs_own_dob": "1980-01-01"}}],
    }
    page = open_page(start_form({"mqs_lobs": ["bop"]}, pools))
    changeset = read(page.copy_id).changeset

    page.order("duplicate", changeset.find_pool("locations").rows[0].path)
    page.order("duplicate", changeset.find_pool("owners").rows[0].path)

    after = read(page.copy_id).changeset
    first, second = after.find_pool("locations").rows
    assert second.find_answer("mqs_loc_street").value == "12 Pecan St"
    assert second.find_pool("buildings").rows[0].find_answer("mqs_bld_desc").value == "Main"
    assert second.find_pool("buildings").rows[0].id != first.find_pool("buildings").rows[0].id
    assert after.find_pool("owners").rows[1].find_answer("mqs_own_name").value == "A"
    assert after.find_pool("owners").rows[1].find_answer("mqs_own_dob").value is None


@pytest.mark.parametrize(
    ("order", "path", "status"),
    [
        ("burn", "owners", 400),
        ("add", "", 422),
        ("add", "nothing", 422),
        ("add", "owners/1", 422),
        ("remove", "owners", 422),
        ("remove", "owners/1", 422),
        ("duplicate", "owners/1", 422),
        ("put-back", "owners/1", 422),
        ("add", "a/b/c/d/e/f/g/h/i/j/k", 400),
    ],
)  # fmt: skip
def test_wrong_orders_change_nothing(
    start_form: StartForm, open_page: Open, read: Read, *, order: str, path: str, status: int
) -> None:
    page = open_page(start_form())

    response = page.order(order, path, version="1")

    assert response.status_code == status
    assert read(page.copy_id).version == 1


def test_long_pool_shows_lines_and_opens_rows_one_by_one(start_form: StartForm, open_page: Open, read: Read) -> None:
    page = open_page(start_form({}, {"owners": [{"answers": {"mqs_own_title": "owner"}} for _ in range(12)]}))
    rows = read(page.copy_id).changeset.find_pool("owners").rows

    shown = page.show()
    opened = page.client.get(f"/forms/{page.copy_id}/row", {"path": rows[3].path}).content.decode()
    answered = page.answer({f"{rows[3].path}/mqs_own_name": "Kai"}, open_rows=rows[3].id).content.decode()

    assert shown.count("data-fold=") == 12
    assert "/mqs_own_name" not in shown
    assert f'name="{rows[3].path}/mqs_own_name"' in opened
    assert answered.count('/mqs_own_name"') >= 1
    assert f"{rows[4].path}/mqs_own_name" not in answered


def settled_events(response: object) -> dict[str, object]:
    """Return the events that are triggered after the response is in the page."""
    found: dict[str, object] = json.loads(response.headers["HX-Trigger-After-Settle"])  # type: ignore[attr-defined]
    return found


def test_an_order_that_is_sent_again_adds_one_row(start_form: StartForm, open_page: Open, read: Read) -> None:
    page = open_page(start_form())

    first = page.order("add", "owners", key="a" * 32)
    page.version = 1  # the response was lost
    again = page.order("add", "owners", key="a" * 32)

    (row,) = read(page.copy_id).changeset.find_pool("owners").rows
    assert settled_events(first)["row-added"] == settled_events(again)["row-added"] == {"path": row.path}
    assert f'name="{row.path}/mqs_own_name"' in again.content.decode()
    assert page.version == 2
    page.order("add", "owners", key="b" * 32)
    assert len(read(page.copy_id).changeset.find_pool("owners").rows) == 2


def test_a_key_belongs_to_one_order(start_form: StartForm, open_page: Open, read: Read) -> None:
    page = open_page(start_form())
    page.order("add", "owners", key="a" * 32)

    response = page.order("add", "locations", key="a" * 32)

    assert response.status_code == 422
    assert read(page.copy_id).version == 2


def test_a_warning_is_confirmed_and_its_button_goes(start_form: StartForm, open_page: Open, read: Read) -> None:
    page = open_page(start_form({"mqs_mail_zip": "78798"}))

    before = markup(page.client.get(f"/forms/{page.copy_id}"))
    confirmed = page.order("confirm", "mqs_mail_zip", code="zip_unknown")

    assert 'data-confirm="mqs_mail_zip" data-code="zip_unknown"' in " ".join(before.split())
    assert "data-confirm" not in markup(confirmed)
    assert [item.code for item in read(page.copy_id).changeset.document.answers["mqs_mail_zip"].confirmed] == [
        "zip_unknown"
    ]


def test_what_is_no_warning_cannot_be_confirmed(start_form: StartForm, open_page: Open, read: Read) -> None:
    page = open_page(start_form({"mqs_mail_zip": "78701"}))

    response = page.order("confirm", "mqs_mail_zip", code="zip_unknown")

    assert response.status_code == 422
    assert read(page.copy_id).changeset.document.answers["mqs_mail_zip"].confirmed == ()


def known_rows(demo_catalogue: CompiledCatalogue) -> dict[str, Any]:
    """Return a row of each pool, nested ones too, that answers every question in clear words of its own."""

    def row(pool: str) -> dict[str, Any]:
        part = demo_catalogue.pools[pool]
        texts = (code for code in part.questions if demo_catalogue.questions[code].question.type in TEXTS)
        return {
            "answers": {code: f"Known {code.replace('_', '')}" for code in texts},
            "answer_pools": {child: [row(child)] for child in part.children},
        }

    return {code: [row(code)] for code, part in demo_catalogue.pools.items() if not part.pool.parent}


def test_a_guests_duplicate_holds_nothing_that_they_may_not_read(
    start_form: StartForm, read: Read, harbor: Tenant
) -> None:
    copy_id = start_form()
    catalogue = read(copy_id).release.compiled
    # Every text becomes personal: the copy would make the guest its author.
    publish_with_personal_texts(catalogue)
    catalogue = read(copy_id).release.compiled
    copy_id = start_form({"mqs_lobs": ["bop", "wc", "auto"]}, known_rows(catalogue))
    guest, _ = guest_of(harbor, copy_id)
    document = read(copy_id).read_only_changeset().document
    for pool, (row,) in document.answer_pools.items():
        response = guest.post(
            f"/guest/{copy_id}/rows",
            {"order": "duplicate", "path": f"{pool}/{row.id}", "version": "1"},
            headers={"HX-Request": "true", "X-Copy-Version": "2"},
        )
        assert response.status_code == 200, (pool, response.headers)
        assert "Known" not in response.content.decode()

    after = read(copy_id).read_only_changeset().document
    assert all(len(rows) == 2 for rows in after.answer_pools.values())
    given = [
        answer for path, answer in walk_answers(after) if answer.answered_by and answer.answered_by.type == "guest"
    ]
    assert [answer.value for answer in given if isinstance(answer.value, str) and "Known" in answer.value] == []
    assert "Known" not in guest.get(f"/guest/{copy_id}/form").content.decode()


def test_a_guest_duplicates_their_own_answers(start_form: StartForm, read: Read, harbor: Tenant) -> None:
    copy_id = start_form({}, {"owners": [{"answers": {"mqs_own_name": "Agents know"}}]})
    guest, _ = guest_of(harbor, copy_id)
    (row,) = read(copy_id).changeset.find_pool("owners").rows
    headers = {"HX-Request": "true", "X-Copy-Version": "2"}
    guest.post(
        f"/guest/{copy_id}/answers", {"answers": json.dumps({f"{row.path}/mqs_own_name": "Gus"})}, headers=headers
    )

    guest.post(f"/guest/{copy_id}/rows", {"order": "duplicate", "path": row.path, "version": "1"}, headers=headers)

    rows = read(copy_id).changeset.find_pool("owners").rows
    assert [row.find_answer("mqs_own_name").value for row in rows] == ["Gus", "Gus"]


def publish_with_personal_texts(catalogue: CompiledCatalogue) -> None:
    """Publish the catalogue with every text personal."""
    definition = catalogue.definition
    sets = tuple(
        msgspec.structs.replace(
            part,
            questions=tuple(
                msgspec.structs.replace(question, sensitivity="pii") if question.type in TEXTS else question
                for question in part.questions
            ),
        )
        for part in definition.question_sets
    )
    later = msgspec.structs.replace(definition, question_sets=sets)
    release = Release.objects.get(catalogue__code=definition.code)
    Release.objects.create(
        catalogue=release.catalogue,
        number=release.number + 1,
        content=zstandard.compress(msgspec.json.encode(later)),
        checksum="1",
        published_by_id="test",
        id=PERSONAL_DEMO_RELEASE,
    )
    release_pointer.drop_cached_pointer(definition.code)
