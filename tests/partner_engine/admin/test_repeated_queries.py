"""What the full tier looks for in the admin's pages is found."""

from __future__ import annotations

import pytest
from zeal import zeal_context
from zeal.errors import NPlusOneError

from tenants.models import Tenant, User

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def test_reading_row_after_row_is_found(harbor: Tenant) -> None:
    for number in range(3):
        User.objects.create(email=f"{number}@harbor.example", tenant=harbor)

    with zeal_context():
        assert {user.tenant for user in User.objects.filter(tenant=harbor).select_related("tenant")} == {harbor}
        with pytest.raises(NPlusOneError, match=r"tenants\.User\.tenant"):
            assert {user.tenant for user in User.objects.filter(tenant=harbor)} == {harbor}
