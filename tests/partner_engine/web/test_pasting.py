"""Rows of a spreadsheet are matched and judged, then added in one save."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import pytest
from django.http import HttpResponse

from batch.context import BatchContext
from catalogue.loader import load
from catalogue.releases import publish
from rules.definition.catalogue import CatalogueDefinition, Pool, Question, QuestionSet
from tests.harness.page_client import Page, StartForm, markup, triggered_events

Open = Callable[[str], Page]
Read = Callable[[str], BatchContext]
OWNERS: Final = "Name\tTitle\tNotes\nAda\towner\tx\nBen\tno such title\ty\n\n"
#: A fleet with ten questions for each of its vehicles.
FLEET: Final = CatalogueDefinition(
    code="fleet",
    title="A fleet",
    title_question="fleet_name",
    question_sets=(
        QuestionSet(
            code="about",
            title="About",
            questions=(Question(code="fleet_name", label="Name of the fleet", type="text"),),
        ),
        QuestionSet(
            code="cars",
            title="Vehicles",
            pool=Pool(code="cars", max=600, key=("car_0",)),
            questions=tuple(
                Question(code=f"car_{number}", label=f"Column {'abcdefghij'[number]}", type="text")
                for number in range(10)
            ),
        ),
    ),
)


def paste(page: Page, text: str, *, path: str = "owners", key: str = "", **more: str) -> HttpResponse:
    headers = {"HX-Request": "true", "X-Copy-Version": str(page.version)}
    headers |= {"X-Order-Key": key} if key else {}
    values = {"path": path, "text": text, **more}
    return page.client.post(f"/forms/{page.copy_id}/rows/paste", values, headers=headers)  # type: ignore[return-value]


def names(context: BatchContext) -> list[object]:
    return [row.find_answer("mqs_own_name").value for row in context.changeset.find_pool("owners").rows]


def test_columns_are_matched_and_each_cell_is_judged(start_form: StartForm, open_page: Open, read: Read) -> None:
    page = open_page(start_form())
    before = names(read(page.copy_id))

    shown = markup(paste(page, OWNERS))

    assert '<option value="mqs_own_name" selected>' in shown
    assert '<option value="mqs_own_title" selected>' in shown
    assert "Row 2, " in shown
    assert "This is not one of the choices." in shown
    assert "Add 2 rows, 1 cell left empty" in shown
    assert (read(page.copy_id).version, names(read(page.copy_id))) == (1, before)


def test_rows_are_added_in_one_save_without_invalid_cells(start_form: StartForm, open_page: Open, read: Read) -> None:
    page = open_page(start_form())
    before = names(read(page.copy_id))
    columns = {"named": "1", "has_names": "1", "column-0": "mqs_own_name", "column-1": "mqs_own_title"}

    response = paste(page, OWNERS, step="save", key="a" * 32, **columns)
    again = paste(page, OWNERS, step="save", key="a" * 32, **columns)

    context = read(page.copy_id)
    assert (context.version, names(context)) == (2, [*before, "Ada", "Ben"])
    assert context.changeset.find_pool("owners").rows[-1].find_answer("mqs_own_title").value is None
    assert "Added 2 rows, 1 cell left empty." in markup(response)
    assert triggered_events(response)["copy-saved"]["undo"] == {"before": 1, "version": 2}
    assert again.status_code == 200


def test_without_names_nothing_is_guessed(start_form: StartForm, open_page: Open) -> None:
    shown = markup(paste(open_page(start_form()), "Ada\tx\nBen\ty"))

    assert "Column 2" in shown
    assert "Choose for at least one column which question it answers." in shown
    assert "data-save-pasted" not in shown


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "Paste at least one row."),
        ("Name\tTitle", "Paste at least one row below the names of the columns."),
        ("Name\n" + "Ada\n" * 2_500, "At most 2,000 rows and 60 columns can be pasted at once."),
        ("Name\n" + "Ada\n" * 900, "and 900 were pasted. Paste fewer rows, or remove some first."),
    ],
)
def test_what_cannot_be_added_is_refused_with_the_reason(
    start_form: StartForm, open_page: Open, read: Read, *, text: str, problem: str
) -> None:
    page = open_page(start_form())

    shown = markup(paste(page, text))
    saved = paste(page, text, step="save", named="1", has_names="1", **{"column-0": "mqs_own_name"})

    assert problem in shown
    assert saved.status_code == 422
    assert problem in saved.headers["X-Problem"]
    assert read(page.copy_id).version == 1


def test_two_columns_of_one_question_are_refused(start_form: StartForm, open_page: Open) -> None:
    page = open_page(start_form())
    columns = {"named": "1", "has_names": "1", "column-0": "mqs_own_name", "column-1": "mqs_own_name"}

    shown = markup(paste(page, OWNERS, **columns))

    assert "Two columns go to the same question. Choose one of them." in shown
    assert shown.count("Another column goes to the same question.") == 2


def test_an_unknown_pool_is_refused(start_form: StartForm, open_page: Open) -> None:
    assert paste(open_page(start_form()), OWNERS, path="nothing").status_code == 422


def test_five_hundred_rows_of_ten_columns_are_one_save(start_form: StartForm, open_page: Open, read: Read) -> None:
    publish(load(FLEET), actor_id="test")
    page = open_page(start_form(catalogue="fleet"))
    text = "\n".join("\t".join(f"{name}{row}" for name in "abcdefghij") for row in range(500))
    columns = {f"column-{place}": f"car_{place}" for place in range(10)}

    start = time.process_time()
    shown = paste(page, text, path="cars", named="0", **columns)
    saved = paste(page, text, path="cars", step="save", named="0", **columns)
    took = 1000 * (time.process_time() - start)
    print(f"500 rows x 10 columns: {took:.0f} ms, {len(saved.content)} bytes")  # noqa: T201 - shown with -s

    assert "Add 500 rows" in markup(shown)
    context = read(page.copy_id)
    assert (context.version, len(context.changeset.find_pool("cars").rows)) == (2, 500)
