"""The admin's pages load at most 600 kB, as a deployment serves them. Lists and rows are weighed in ``test_pages``."""

from __future__ import annotations

from django.test import Client

from tests.harness.page_addresses import own_pages_of_admin
from tests.harness.page_weight import MOST_BYTES_OF_ADMIN, is_page, loaded_files, weight_of


def test_the_start_page_loads_the_products_font(admin: Client) -> None:
    names = loaded_files(admin.get("/admin/").content.decode())

    assert "web/fonts/inter-latin-wght-normal.woff2" in names
    assert not [name for name in names if "Inter-" in name]


def test_the_pages_of_no_model_are_light(admin: Client) -> None:
    pages = {address: admin.get(address) for address in own_pages_of_admin() if "logout" not in address}
    weights = {address: weight_of(page) for address, page in pages.items() if is_page(page)}  # type: ignore[arg-type]

    assert {"/admin/", "/admin/locks/", "/admin/operation-charts/", "/admin/second-factor/"} <= set(weights)
    assert [address for address, weight in weights.items() if weight > MOST_BYTES_OF_ADMIN] == []
