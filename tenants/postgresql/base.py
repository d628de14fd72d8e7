"""The database backend: sends the current scope before each statement, in the same round trip.

PostgreSQL's policies (``tenants.row_level_security``) compare it with the rows. It is set for the transaction alone, so
neither a pooled connection nor a pooler in between carries one tenant's marker to the next user; without a
transaction the two statements form one of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.db import OperationalError, transaction
from django.db.backends.postgresql import base

from tenants.current_tenant import current_scope
from tenants.postgresql.statement_names import statement_name
from tenants.residence import note_refusal
from tracing import is_tracing, span

#: The setting that the policies read.
GUC: Final = "partner_engine.tenant"
#: Statements about the transaction itself; nothing else may precede a rollback in a failed transaction.
_BARE: Final = ("SAVEPOINT", "RELEASE", "ROLLBACK")

Execute = Callable[[str, Any, bool, dict[str, Any]], Any]


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that marks its statements with the current scope."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.execute_wrappers.append(self._marked)
        self._has_marked = False

    def _marked(self, execute: Execute, sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        try:
            if not is_tracing():
                return self._execute(execute, sql, params, many, context)
            with span(statement_name(sql), **{"db.system.name": "postgresql", "db.namespace": self.alias}):
                return self._execute(execute, sql, params, many, context)
        except OperationalError as error:
            # A tenant that moved: from the next statement on its ``database_alias`` is the new one.
            note_refusal(error)
            raise

    def _execute(self, execute: Execute, sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        mark = self._mark()
        if mark is None or (isinstance(sql, str) and sql.startswith(_BARE)):
            return execute(sql, params, many, context)
        if many or not isinstance(sql, str):
            # Such statements are sent alone; inside one transaction the marker applies to them too.
            with transaction.atomic(using=self.alias, savepoint=False):
                context["cursor"].cursor.execute(mark)
                return execute(sql, params, many, context)
        result = execute(f"{mark}; {sql}", params, many, context)
        # The first result is that of the marker.
        context["cursor"].nextset()
        return result

    def _mark(self) -> str | None:
        """Return the statement that marks the transaction, None where no marker is needed."""
        scope = current_scope()
        # The scope of all tenants of one database excludes other databases.
        if scope is not None and (scope.tenant is not None or scope.alias == self.alias):
            self._has_marked = True
            # A UUID or "*", never text from outside.
            return f"SELECT set_config('{GUC}', '{scope.marker}', true)"
        # A transaction that worked for a tenant continues without one: remove the marker.
        is_in_transaction = self.in_atomic_block or not self.autocommit
        return f"SELECT set_config('{GUC}', '', true)" if self._has_marked and is_in_transaction else None
