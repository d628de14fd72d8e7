"""Empties the databases after a transactional test; Django's flush truncates each table, which takes much longer."""

from __future__ import annotations

from typing import Any, Final

from django.db import connections
from django.test import TransactionTestCase

#: Rows made by migrating stay. Tables whose triggers forbid to delete rows are truncated, before the others: no
#: deletion may be pending there.
_EMPTY: Final = """
DO $$
DECLARE
    command text;
    name text;
    is_filled boolean;
BEGIN
    PERFORM set_config('partner_engine.tenant', '*', true);
    FOR name, command IN
        SELECT t.oid::regclass::text, CASE WHEN guard.tgrelid IS NULL THEN 'DELETE FROM ' ELSE 'TRUNCATE ' END
        FROM pg_class t
        LEFT JOIN (SELECT DISTINCT tgrelid FROM pg_trigger WHERE NOT tgisinternal) guard ON guard.tgrelid = t.oid
        WHERE t.relkind = 'r' AND t.relnamespace = current_schema()::regnamespace
            AND t.relname NOT IN ('django_migrations', 'django_content_type', 'auth_permission', 'tenants_ratelimit',
                                  'tenants_historicalratelimit')
        ORDER BY guard.tgrelid IS NULL
    LOOP
        EXECUTE 'SELECT EXISTS (SELECT FROM ' || name || ')' INTO is_filled;
        IF is_filled THEN
            EXECUTE command || name || CASE command WHEN 'TRUNCATE ' THEN ' CASCADE' ELSE '' END;
        END IF;
    END LOOP;
END $$
"""


def empty(alias: str) -> None:
    """Delete all rows of the database ``alias`` but those of migrating; foreign keys are checked at the commit."""
    with connections[alias].cursor() as cursor:
        cursor.execute(_EMPTY)


def install() -> None:
    """Let transactional tests end with ``empty``."""
    TransactionTestCase._fixture_teardown = _teardown


def _teardown(self: Any) -> None:
    for alias in self._databases_names(include_mirrors=False):
        empty(alias)
