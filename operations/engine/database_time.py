"""Measures the time that a block spends in the database."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections


class DatabaseTime:
    """Seconds spent in statements so far."""

    seconds: float = 0.0

    def __call__(
        self, execute: Callable[..., Any], sql: str, params: object, many: bool, context: dict[str, Any]
    ) -> Any:
        """Run a statement, and add its time."""
        began = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.seconds += time.perf_counter() - began


@contextmanager
def measured(alias: str) -> Iterator[DatabaseTime]:
    """Measure the statements of this thread on the database ``alias`` inside the block."""
    spent = DatabaseTime()
    with connections[alias].execute_wrapper(spent):
        yield spent
