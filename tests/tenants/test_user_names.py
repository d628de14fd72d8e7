"""How pages name a user: by name, or by the address without one."""

from __future__ import annotations

import pytest

from tenants.models import User


@pytest.mark.parametrize(
    ("full_name", "shown", "initials"),
    [("Avery Agent", "Avery Agent", "AA"), ("ana maria lópez", "ana maria lópez", "AM"), ("", "a.b@x.example", "AB")],
)
def test_names_and_initials(full_name: str, shown: str, initials: str) -> None:
    user = User(full_name=full_name, email="a.b@x.example")

    assert (user.display_name, user.initials) == (shown, initials)
