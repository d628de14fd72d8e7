"""The relay's opponent that keeps its jobs in PostgreSQL too: Procrastinate with one empty asynchronous task.

Its tables are in a schema of their own, emptied before each turn and analyzed once the jobs are in them, as the outbox
is. One process runs several jobs at once, and deletes them when they are done.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

import procrastinate
from django.db import connection

_SCHEMA: Final = "benchmark_procrastinate"
_TABLES: Final = "procrastinate_jobs, procrastinate_events, procrastinate_workers"
#: Jobs that run at once; more were no faster.
_AT_ONCE: Final = 20


def create_tables() -> None:
    """Create the tables anew."""
    remove_tables()
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {_SCHEMA}")
    with _app().open() as app:
        app.schema_manager.apply_schema()


def remove_tables() -> None:
    """Remove the tables."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {_SCHEMA} CASCADE")


def drain(amount: int) -> float:
    """Return the seconds in which a worker runs ``amount`` jobs that wait in the table when its clock starts."""
    _empty()
    return asyncio.run(_drain(amount))


def _empty() -> None:
    """Empty the tables: the events of earlier jobs stay in them otherwise."""
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(f'{_SCHEMA}.{table}' for table in _TABLES.split(', '))} CASCADE")


def _app() -> procrastinate.App:
    own = connection.settings_dict
    server = {
        "host": own["HOST"], "port": own["PORT"], "user": own["USER"], "password": own["PASSWORD"],
        "dbname": own["NAME"], "options": f"-c search_path={_SCHEMA}",
    }  # fmt: skip
    connector = procrastinate.PsycopgConnector(kwargs=server, max_size=_AT_ONCE)
    return procrastinate.App(connector=connector)


async def _drain(amount: int) -> float:
    app, ran = _app(), []

    @app.task(name="nothing")
    async def nothing(number: int) -> None:
        ran.append(number)

    async with app.open_async():
        await nothing.batch_defer_async(*({"number": number} for number in range(amount)))
        await app.connector.execute_query_async(f"ANALYZE {_TABLES}")
        began = time.perf_counter()
        await app.run_worker_async(
            wait=False,
            concurrency=_AT_ONCE,
            listen_notify=False,
            install_signal_handlers=False,
            delete_jobs="always",
        )
        seconds = time.perf_counter() - began
    assert len(ran) == amount, f"{amount - len(ran)} jobs were lost"
    return seconds
