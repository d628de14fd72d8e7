"""Pages without a test of their own in a browser: axe and pictures in both themes, wide and narrow."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import pytest

from tenants.access import Role
from tenants.models import User
from tests.harness.form_driver import Driver

pytestmark = pytest.mark.browser

#: The pictures' names, and the addresses.
PAGES: Final = {
    "all-quotes": "/quotes",
    "operations": "/operations",
    "new-operation": "/operations/new",
    "import": "/operations/import",
    "agency": "/settings/agency",
    "webhooks": "/settings/webhooks",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
def test_a_page_in_every_look(driver: Driver, copy_id: UUID, agent: User, name: str) -> None:
    User.objects.filter(pk=agent.pk).update(role=Role.TENANT_ADMIN)

    driver.page.goto(f"{driver.server}{PAGES[name]}")

    driver.check_in_every_look(name, at="#main")
