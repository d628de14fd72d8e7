"""Every page of the admin is light, responds quickly, and only to staff with its permission."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from catalogue.models import Catalogue
from partner_engine.admin.site import site
from tenants.current_tenant import across_tenants
from tenants.models import User
from tests.harness.page_weight import MOST_BYTES_OF_ADMIN, weight_of

LISTS = {f"{model._meta.app_label}_{model._meta.model_name}": model for model in site._registry}
#: The limit of queries of a list, with sign-in and sidebar.
MOST_QUERIES = 15
BIG_TABLES = (
    "copies_copy",
    "copies_copyrevision",
    "forms_applicationform",
    "actions_outboxaction",
    "forms_declination",
)


def test_a_list_is_shown_in_few_queries_without_counting_big_tables(
    subtests: pytest.Subtests, admin: Client, kennel: UUID
) -> None:
    for name in LISTS:
        with subtests.test(name):
            with CaptureQueriesContext(connections["default"]) as queries:
                answer = admin.get(reverse(f"admin:{name}_changelist"), HTTP_ACCEPT_ENCODING="gzip")

            assert answer.status_code == 200
            assert weight_of(answer) <= MOST_BYTES_OF_ADMIN
            assert len(queries) <= MOST_QUERIES, [query["sql"][:200] for query in queries]
            counts = [query["sql"] for query in queries if "COUNT(*)" in query["sql"]]
            assert not [sql for sql in counts if any(table in sql for table in BIG_TABLES)]


def test_every_row_has_a_page(subtests: pytest.Subtests, admin: Client, kennel: UUID) -> None:
    for name, model in LISTS.items():
        with subtests.test(name):
            with across_tenants(using="default"):
                row = model._default_manager.first()
            address = reverse(f"admin:{name}_change", args=(row.pk,)) if row else reverse(f"admin:{name}_changelist")

            answer = admin.get(address, HTTP_ACCEPT_ENCODING="gzip")

            assert answer.status_code == 200
            assert weight_of(answer) <= MOST_BYTES_OF_ADMIN


def test_every_model_that_can_be_added_has_a_page(subtests: pytest.Subtests, admin: Client, kennels: Catalogue) -> None:
    for name, model in LISTS.items():
        with subtests.test(name):
            answer = admin.get(reverse(f"admin:{name}_add"), HTTP_ACCEPT_ENCODING="gzip")

            assert answer.status_code == (200 if site._registry[model].has_add_permission(answer.wsgi_request) else 403)
            assert weight_of(answer) <= MOST_BYTES_OF_ADMIN


def test_staff_without_permissions_see_no_list(make_staff: Callable[..., Client]) -> None:
    junior = make_staff()

    start = junior.get(reverse("admin:index"))

    assert start.status_code == 200
    assert b"/admin/copies/copy/" not in start.content
    for name in LISTS:
        assert junior.get(reverse(f"admin:{name}_changelist")).status_code == 403, name


def test_agents_are_refused(owner: User, sign_in: Callable[[User], Client]) -> None:
    agent = sign_in(owner)

    assert agent.get("/admin/").status_code == 302
    assert agent.get(reverse("admin:copies_copy_changelist")).status_code == 302


def test_an_agent_is_refused_even_if_marked_as_staff(owner: User, sign_in: Callable[[User], Client]) -> None:
    User.objects.filter(pk=owner.pk).update(is_staff=True, is_superuser=True)

    assert sign_in(owner).get("/admin/").status_code == 302


def test_the_sign_in_of_an_agent_at_the_admin_is_refused(owner: User) -> None:
    client = Client()

    answer = client.post("/admin/login/", {"username": owner.email, "password": "quiet-lantern-42"})

    assert answer.status_code == 200
    assert "_auth_user_id" not in client.session


def test_the_theme_of_staff_is_stored_on_the_account(admin: Client) -> None:
    address = reverse("admin:theme")

    assert admin.post(address, {"theme": "dark"}).status_code == 204
    assert admin.post(address, {"theme": "pink"}).status_code == 422
    assert admin.get(address).status_code == 405
    assert 'data-theme="dark"' in admin.get(reverse("admin:index")).content.decode()
    assert Client().post(address, {"theme": "light"}).status_code == 302


def test_the_start_page_has_the_products_theme_and_sidebar(admin: Client) -> None:
    page = admin.get(reverse("admin:index")).content.decode()

    assert "admin_staff/staff" in page
    assert "Partner Engine" in page
    assert "Django administration" not in page
    assert "Declinations" in page and "Rate tables" in page and "Second factor" in page
