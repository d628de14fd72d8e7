"""The database wrapper: each statement takes the current scope along in the same round trip.

``SELECT set_config(...); <statement>`` goes out as one simple query (Django's cursor binds parameters on the client), and the first result is skipped. So the setting is right
after a rollback, on a pooled connection and in every thread, and costs no round trip.
"""

from __future__ import annotations

from typing import Any, Final

from django.db.backends.postgresql import base
from django.db.backends.utils import CursorDebugWrapper, CursorWrapper

from tenants.scope import current_scope

#: The setting that the policies on tenants' tables read.
SETTING: Final = "partner_engine.tenant"


class _ScopedExecution:
    """Puts the scope before each statement; mixed into Django's two cursor wrappers."""

    def _execute(self: Any, sql: str, params: Any, *ignored_wrapper_args: Any) -> Any:
        prefix = _prefix(self.cursor.connection)
        if not prefix or getattr(self.cursor, "name", None):
            return super()._execute(sql, params, *ignored_wrapper_args)  # type: ignore[misc]
        result = super()._execute(prefix + sql, params, *ignored_wrapper_args)  # type: ignore[misc]
        self.cursor.nextset()
        return result

    def _executemany(self: Any, sql: str, param_list: Any, *ignored_wrapper_args: Any) -> Any:
        self.db.send_scope()
        return super()._executemany(sql, param_list, *ignored_wrapper_args)  # type: ignore[misc]


class ScopedCursorWrapper(_ScopedExecution, CursorWrapper):
    """A cursor that takes the scope along."""


class ScopedCursorDebugWrapper(_ScopedExecution, CursorDebugWrapper):
    """The same, keeping its queries for tests and debugging."""


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's PostgreSQL connection with scoped cursors."""

    def make_cursor(self, cursor: Any) -> CursorWrapper:
        """Return the cursor that takes the scope along."""
        return ScopedCursorWrapper(cursor, self)

    def make_debug_cursor(self, cursor: Any) -> CursorDebugWrapper:
        """Return the same for when queries are kept."""
        return ScopedCursorDebugWrapper(cursor, self)

    def chunked_cursor(self) -> Any:
        """Send the scope ahead: a server-side cursor is declared by a single statement."""
        self.send_scope()
        return super().chunked_cursor()

    def send_scope(self) -> None:
        """Send the scope in a statement of its own, where it cannot go along with another."""
        with self.cursor() as cursor:
            cursor.execute("SELECT 1")


def _prefix(connection: Any) -> str:
    """Return the statement that sets the scope; nothing on a connection that never had one (migrations run statements that must stand alone)."""
    scope = current_scope()
    if scope is None and not getattr(connection, "was_scoped", False):
        return ""
    connection.was_scoped = True
    # The marker is a UUID or "*": nothing that a quote could be hidden in.
    return f"SELECT set_config('{SETTING}', '{scope.marker if scope else ''}', false);"
