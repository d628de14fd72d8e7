"""Makes the tests' databases without the product's time limits: a busy machine may need longer to copy a template than
a statement of the product may take.
"""

from __future__ import annotations

from typing import Any

from django.db.backends.postgresql.creation import DatabaseCreation

_create = DatabaseCreation._execute_create_test_db


def install() -> None:
    """Replace the way in which Django makes a test's database."""
    DatabaseCreation._execute_create_test_db = _create_unhurriedly  # type: ignore[method-assign]


def _create_unhurriedly(self: DatabaseCreation, cursor: Any, parameters: dict[str, str], keepdb: bool = False) -> None:
    cursor.execute("SET statement_timeout = 0")
    cursor.execute("SET lock_timeout = 0")
    _create(self, cursor, parameters, keepdb)
