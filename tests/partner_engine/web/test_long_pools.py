"""Orders for rows of a long pool with all rows open: the responses contain the row, not its pool."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import pytest
from django.http import HttpResponse

from batch.changes.mutators.pools import RowMutator
from batch.context import BatchContext
from tests.harness.page_client import Page, StartForm, triggered_events

#: The most that a response to an order for one row takes, in bytes.
MOST_BYTES: Final = 60_000
LOCATIONS: Final = 30
Open = Callable[[str], Page]
Read = Callable[[str], BatchContext]


class Schedule:
    """The page of a form with thirty locations of three buildings each, all open."""

    def __init__(self, page: Page, read: Read) -> None:
        self.page, self._read = page, read
        self.page.show()

    @property
    def locations(self) -> list[RowMutator]:
        """Return the locations in order."""
        return self._read(self.page.copy_id).changeset.find_pool("locations").rows

    def order(self, order: str, path: str, **more: object) -> HttpResponse:
        """Press a button with all rows open; return the response, which is small."""
        open_rows = ",".join(row.id for row in self.locations)
        start = time.perf_counter()
        response = self.page.order(order, path, open_rows=open_rows, **more)
        took = 1000 * (time.perf_counter() - start)
        print(f"{order} {path.partition('/')[0]}: {len(response.content)} bytes, {took:.0f} ms")  # noqa: T201 - shown with -s
        assert response.status_code == 200
        assert len(response.content) < MOST_BYTES
        return response


@pytest.fixture
def schedule(start_form: StartForm, open_page: Open, read: Read) -> Schedule:
    """Return the page of a form with thirty locations of three buildings each."""
    buildings = [{"answers": {"mqs_bld_desc": f"Building {number}"}} for number in range(3)]
    locations = [
        {"answers": {"mqs_loc_street": f"{number} Pecan St"}, "answer_pools": {"buildings": buildings}}
        for number in range(LOCATIONS)
    ]
    return Schedule(open_page(start_form({"mqs_lobs": ["bop"]}, {"locations": locations})), read)


def test_a_new_row_of_a_long_pool_comes_alone(schedule: Schedule) -> None:
    last = schedule.locations[-1].path

    response = schedule.order("add", "locations")

    content, row = response.content.decode(), schedule.locations[-1].path
    assert triggered_events(response)["copy-saved"]["row"] == {"path": row, "after": last, "removed": False}
    assert f'name="{row}/mqs_loc_street"' in content
    assert f'name="{last}/mqs_loc_street"' not in content
    assert 'id="f-locations"' in content


def test_a_duplicate_of_a_long_pool_comes_alone(schedule: Schedule) -> None:
    rows = schedule.locations

    response = schedule.order("duplicate", rows[4].path)

    place = triggered_events(response)["copy-saved"]["row"]
    assert place == {"path": schedule.locations[-1].path, "after": rows[-1].path, "removed": False}
    assert response.content.decode().count('class="row"') == 4


def test_a_removed_row_is_named_and_put_back_alone_where_it_was(schedule: Schedule) -> None:
    rows = schedule.locations

    removed = schedule.order("remove", rows[4].path)
    restored = schedule.order("put-back", rows[4].path, version=1)

    assert triggered_events(removed)["copy-saved"]["row"] == {"path": rows[4].path, "after": "", "removed": True}
    assert triggered_events(restored)["copy-saved"]["row"] == {
        "path": rows[4].path,
        "after": rows[3].path,
        "removed": False,
    }
    assert removed.content.decode().count('class="row"') == 0
    assert restored.content.decode().count('class="row"') == 4


def test_a_nested_row_comes_with_the_head_of_the_row_around_it(schedule: Schedule) -> None:
    location = schedule.locations[4]

    response = schedule.order("add", f"{location.path}/buildings")

    content = response.content.decode()
    assert content.count('class="row"') == 1
    assert f'id="rh-locations-{location.id}"' in content
    assert f'id="f-locations-{location.id}-buildings"' in content


def test_a_pool_that_becomes_long_comes_whole(start_form: StartForm, open_page: Open, read: Read) -> None:
    page = open_page(start_form({}, {"owners": [{"answers": {"mqs_own_title": "owner"}} for _ in range(10)]}))

    response = page.order("add", "owners")

    assert "row" not in triggered_events(response)["copy-saved"]
    assert response.content.decode().count("data-fold=") == 11


def test_a_version_shows_the_answers_of_every_row(schedule: Schedule) -> None:
    page = schedule.page

    content = page.client.get(f"/forms/{page.copy_id}/history/1").content.decode()

    assert content.count('value="Building 2"') == LOCATIONS
    assert f'value="{LOCATIONS - 1} Pecan St"' in content
    assert "data-fold" not in content
