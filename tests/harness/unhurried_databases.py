"""Makes the tests' databases without the product's time limits: a busy machine may need longer to copy a template than
a statement of the product may take. A copy is not migrated again, which takes longer than to copy it.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.backends.postgresql.creation import DatabaseCreation

_execute = DatabaseCreation._execute_create_test_db
_create = DatabaseCreation.create_test_db


def install() -> None:
    """Replace the way in which Django makes a test's database."""
    DatabaseCreation._execute_create_test_db = _execute_unhurriedly  # type: ignore[method-assign]
    DatabaseCreation.create_test_db = _create_or_copy  # type: ignore[method-assign]


def _execute_unhurriedly(self: DatabaseCreation, cursor: Any, parameters: dict[str, str], keepdb: bool = False) -> None:
    cursor.execute("SET statement_timeout = 0")
    cursor.execute("SET lock_timeout = 0")
    _execute(self, cursor, parameters, keepdb)


def _create_or_copy(
    self: DatabaseCreation,
    verbosity: int = 1,
    autoclobber: bool = False,
    serialize: bool = False,
    keepdb: bool = False,
) -> str:
    """Create a database as Django does; do not migrate a copy of a template, which `make test` has migrated."""
    if not self.connection.settings_dict["TEST"].get("TEMPLATE"):
        return _create(self, verbosity, autoclobber, serialize, keepdb)
    name = self._get_test_db_name()
    self._create_test_db(verbosity, autoclobber, keepdb)
    self.connection.close()
    settings.DATABASES[self.connection.alias]["NAME"] = self.connection.settings_dict["NAME"] = name
    self.connection.ensure_connection()
    return name
