"""What tests of moves leave behind, and its removal."""

from __future__ import annotations

from django.db import connections

from tenants import residence
from tests.harness.cast import SECOND_DATABASE


def remove_gates() -> None:
    """Remove the gates of all tenants from both databases, and what this process has learned of moves."""
    residence.forget()
    for alias in ("default", SECOND_DATABASE):
        with connections[alias].cursor() as cursor:
            cursor.execute(
                "SELECT format('DROP POLICY %I ON %s', polname, polrelid::regclass) FROM pg_policy"
                " WHERE polname LIKE 'tenant_move_%'"
            )
            drops = [row[0] for row in cursor.fetchall()]
            cursor.execute("; ".join([*drops, "DROP SCHEMA IF EXISTS tenant_move CASCADE"]))
