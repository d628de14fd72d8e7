"""The database backend: sends the current scope before each statement, in the same round trip, and counts which
requests wait for tenants' own databases.

PostgreSQL's policies (``tenants.row_level_security``) compare it with the rows. It is set for the transaction alone, so
neither a pooled connection nor a pooler in between carries one tenant's marker to the next user; without a
transaction the two statements form one of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connections, transaction
from django.db.backends.postgresql import base
from psycopg_pool import ConnectionPool, PoolTimeout

from tenants.current_tenant import current_scope
from tenants.postgresql.statement_names import statement_name
from tenants.postgresql.waits import Waits
from tenants.residence import note_refusal
from tracing import is_tracing, span

#: The setting that the policies read.
GUC: Final = "partner_engine.tenant"
#: Statements about the transaction itself; nothing else may precede a rollback in a failed transaction.
_BARE: Final = ("SAVEPOINT", "RELEASE", "ROLLBACK")

Execute = Callable[[str, Any, bool, dict[str, Any]], Any]

#: Those of this process.
_waits: Final = Waits()


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that marks its statements with the current scope."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.execute_wrappers.append(self._marked)
        self._has_marked = False
        # Only web processes have a pool, and places for requests. Every request needs the shared database: refusing
        # some would keep no place for others.
        self._is_counted = self.alias != DEFAULT_DB_ALIAS and settings.DATABASE_POOL_SIZE > 0

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Connect, or take a connection of the pool. Raises ``DatabaseIsSilent``."""
        if not self._is_counted:
            return self._connect(conn_params)
        _return_shared_connection()
        with _waits.connecting(self.alias):
            return self._connect(conn_params)

    def _connect(self, conn_params: dict[str, Any]) -> Any:
        try:
            return super().get_new_connection(conn_params)
        except PoolTimeout:
            _forget_timed_out(self.pool)
            raise

    def _commit(self) -> None:
        with self._waiting():
            super()._commit()  # type: ignore[misc]

    def _waiting(self) -> AbstractContextManager[None]:
        if not self._is_counted:
            return nullcontext()
        _return_shared_connection()
        return _waits.executing(self.alias)

    def _marked(self, execute: Execute, sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if context["cursor"].cursor.connection is not self.connection:
            # Returned to the pool meanwhile (``_return_shared_connection``): it may be in use by another request.
            raise InterfaceError("The connection of this cursor was returned; open a new cursor for each statement.")
        try:
            if not is_tracing():
                with self._waiting():
                    return self._execute(execute, sql, params, many, context)
            name, known = statement_name(sql), {"db.system.name": "postgresql", "db.namespace": self.alias}
            with span(name, **known), self._waiting():
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


def _return_shared_connection() -> None:
    """Return this thread's connection to the shared database to its pool until it is needed again, unless a transaction
    is open in it: requests that wait for one tenant's database must not hold what the requests of all tenants need.
    """
    shared: Any = connections[DEFAULT_DB_ALIAS]
    if shared.connection is not None and not shared.in_atomic_block and shared.autocommit and shared.pool:
        shared.close()


def _forget_timed_out(pool: ConnectionPool) -> None:
    """Remove waits that timed out from the queue of a pool. The library does so only when it has a connection to give:
    without this the queue grows as long as a server is away, and a full one (``max_waiting``) would refuse every
    request, and so start no other try to connect, for ever.
    """
    waiting = pool._waiting  # noqa: SLF001 - the library has no other way
    with pool._lock:  # noqa: SLF001
        # In the order of their arrival, and of their timeouts.
        while waiting and waiting[0].error is not None:
            waiting.popleft()
