"""The worklist: every order walks all forms once and by its index; views, filters and bounded counts."""

from __future__ import annotations

import json
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.utils import timezone

from forms import worklist
from forms.models import ApplicationForm
from forms.selectors import list_forms
from forms.worklist import (
    ORDER_KEYS,
    InvalidPosition,
    Position,
    count_views,
    decode_position,
    encode_position,
    filtered,
    in_view,
    page_by_owner,
    page_in_order,
)
from forms.worklist_views import ORDERS, Filters, Viewer
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

_OWNER = UUID(int=7)
_TODAY = date(2026, 6, 1)
_FORMS = """INSERT INTO forms_applicationform
       (id, tenant_id, version, reference, external_id, metadata, catalogue, created_by_type, created_by_id, created_at)
SELECT g.id, %(tenant)s, 1, '', '', '{}', 'kennels', 'user', '', now()
  FROM json_to_recordset(%(copies)s) AS g (id uuid)"""
_COPIES = """INSERT INTO copies_copy
       (id, tenant_id, application_form_id, title, version, release_id, document, evaluation, key_id, key_version,
        decided_edition, chain, locked_by_id, locked_by_label, lock_reason, summary, search_text, search_personal,
        created_at, updated_at, owner_id, last_touched_by_user_at)
SELECT g.id, %(tenant)s, g.id, 'Base', 1, 1, '', '', '', 1, 0, '', '', '', '', g.summary, '', '', now(), now(), g.owner,
       CASE WHEN g.touched IS NOT NULL THEN now() - g.touched * interval '1 minute' END
  FROM json_to_recordset(%(copies)s) AS g (id uuid, summary jsonb, owner uuid, touched int)"""


def make_forms(tenant: Tenant, number: int) -> list[UUID]:
    """Write forms without documents; every fifth has no name, no premium and no start, and was not touched."""
    copies = [
        {
            "id": str(uuid4()),
            "owner": str(_OWNER) if place % 2 else None,
            "touched": place if place % 5 else None,
            "summary": {
                "insured": f"Business {place % 7}" if place % 5 else None,
                "starts_on": (_TODAY + timedelta(days=place % 60)).isoformat() if place % 5 else None,
                "best_premium": 1_000 + place % 11 if place % 5 else None,
                "status": place % 9 * 10 if place % 5 else None,
                "us_state": "TX" if place % 3 else "OH",
                "lines": ["bop"] if place % 2 else ["wc", "gl"],
                "standing": "ready" if place % 4 == 0 else "incomplete",
            },
        }
        for place in range(number)
    ]
    values = {"tenant": tenant.id, "copies": json.dumps(copies)}
    with use_tenant(tenant), connection.cursor() as cursor:
        cursor.execute(_FORMS, values)
        cursor.execute(_COPIES, values)
    return [UUID(str(copy["id"])) for copy in copies]


def viewer() -> Viewer:
    return Viewer(user_id=_OWNER, today=_TODAY, now=timezone.now())


@pytest.mark.django_db
@pytest.mark.parametrize("order", [sign + name for name in ORDERS for sign in ("", "-")])
def test_pages_of_every_order_walk_all_forms_once(harbor: Tenant, order: str) -> None:
    made = make_forms(harbor, 40)

    with use_tenant(harbor):
        found, after = page_in_order(list_forms(), order, limit=7)
        while after:
            rows, after = page_in_order(list_forms(), order, limit=7, after=after)
            found += rows

    assert sorted(row.pk for row in found) == sorted(made)
    values = [row.sort_key for row in found]
    known = [value for value in values if value is not None]
    assert values == [*known, *[None] * 8]  # empty ones last in either direction
    assert known == sorted(known, reverse=order.startswith("-"))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("order", "index"),
    [
        ("-touched", "copy_last_touched"),
        ("insured", "copy_insured"),
        ("-starts", "copy_starts_on"),
        ("-premium", "copy_best_premium"),
        ("status", "copy_status"),
    ],
)
def test_orders_read_their_index_under_row_level_security(harbor: Tenant, order: str, index: str) -> None:
    make_forms(harbor, 300)
    with use_tenant(harbor), connection.cursor() as cursor:
        cursor.execute("ANALYZE copies_copy")
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
        copies = list_forms().annotate(sort_key=ORDER_KEYS[order.lstrip("-")]).filter(sort_key__isnull=False)
        signs = ("-sort_key", "-id") if order.startswith("-") else ("sort_key", "id")
        sql, parameters = copies.order_by(*signs)[:26].query.sql_with_params()
        cursor.execute(f"EXPLAIN {sql}", parameters)
        plan = "\n".join(row[0] for row in cursor.fetchall())

    assert index in plan, plan
    assert "Sort" not in plan.split("SubPlan")[0], plan


@pytest.mark.django_db
@pytest.mark.parametrize("limit", [1, 7, 20, 100])
def test_pages_by_owner_walk_all_forms_once(harbor: Tenant, limit: int) -> None:
    made = make_forms(harbor, 40)
    owners = (UUID(int=1), _OWNER, None)

    with use_tenant(harbor):
        found, after = page_by_owner(list_forms(), "owner", owners=owners, limit=limit)
        pages = [found]
        while after:
            found, after = page_by_owner(list_forms(), "owner", owners=owners, limit=limit, after=after)
            pages.append(found)
        invalid = encode_position(Position("owner", "", UUID(int=9)))
        with pytest.raises(InvalidPosition):
            page_by_owner(list_forms(), "owner", owners=owners, limit=limit, after=invalid)

    rows = [row for page in pages for row in page]
    assert sorted(row.pk for row in rows) == sorted(made)
    assert [row.owner_id for row in rows] == [_OWNER] * 20 + [None] * 20
    assert all(pages)
    touched = [row.last_touched_by_user_at for row in rows[:16]]  # every fifth was not touched: they come last
    assert touched == sorted(touched, reverse=True)


@pytest.mark.django_db
def test_filters_and_views_narrow_the_list(harbor: Tenant) -> None:
    make_forms(harbor, 60)

    with use_tenant(harbor):
        forms = list_forms()

        assert filtered(forms, Filters(lines=("gl", "bop"))).count() == 60
        assert filtered(forms, Filters(lines=("wc",), us_states=("OH",))).count() == 10
        assert filtered(forms, Filters(owner="")).count() == 30
        assert filtered(forms, Filters(carriers=("quillmark",))).count() == 0
        week = Filters(starts_from=_TODAY, starts_to=_TODAY + timedelta(days=6))
        assert filtered(forms, week).count() == 5  # days 1, 2, 3, 4 and 6: every fifth form has no start
        assert in_view(forms, "mine", viewer=viewer()).count() == 30
        assert in_view(forms, "starts", viewer=viewer()).count() == 24


@pytest.mark.django_db
def test_counts_are_two_bounded_queries(
    harbor: Tenant, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: object
) -> None:
    make_forms(harbor, 60)

    with use_tenant(harbor):
        with django_assert_num_queries(2):  # type: ignore[operator]
            counts = count_views(viewer=viewer())
        monkeypatch.setattr(worklist, "MOST_COUNTED", 20)
        bounded = count_views(viewer=viewer())

    assert counts.is_whole
    assert counts.by_view == {
        "all": 60, "mine": 30, "waiting": 0, "ready": 15, "quoted": 0, "referred": 0, "stale": 0, "starts": 24,
    }  # fmt: skip
    assert not bounded.is_whole
    assert bounded.by_view["all"] == 20


@pytest.mark.django_db
def test_tenants_have_lists_of_their_own(harbor: Tenant, summit: Tenant) -> None:
    make_forms(harbor, 5)

    with use_tenant(summit):
        assert count_views(viewer=viewer()).by_view["all"] == 0
        assert page_in_order(list_forms(), "insured", limit=7) == ([], "")
        assert ApplicationForm.objects.count() == 0


@pytest.mark.parametrize(
    "text",
    [
        "", "!", "bm9wZQ", "WyItdG91Y2hlZCIsIjIwMjYtMDEtMDFUMDA6MDA6MDAiLCJ4Il0",
        worklist.encode_position(worklist.Position("insured", "a", UUID(int=1))),
        worklist.encode_position(worklist.Position("-touched", "2026-01-01T00:00:00", UUID(int=1))),
        worklist.encode_position(worklist.Position("-touched", "0001-01-01T00:00:00+14:00", UUID(int=1))),
        worklist.encode_position(worklist.Position("-touched", 5, UUID(int=1))),
    ],
)  # fmt: skip
def test_a_position_of_another_list_is_refused(text: str) -> None:
    with pytest.raises(InvalidPosition):
        decode_position(text, "-touched")
