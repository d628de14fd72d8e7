"""Refusals of the batch that are about one field of the body, told with its place there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from batch.errors import LooksSensitive, UnknownPart, WrongValue
from partner_engine.error_statuses import status_of
from partner_engine.problems import Fault, Refused


@contextmanager
def pointing(pointer: str) -> Iterator[None]:
    """Let a value that is refused inside be told as a fault of the field at ``pointer``."""
    try:
        yield
    except (LooksSensitive, UnknownPart, WrongValue) as error:
        fault = Fault(pointer=pointer, code=error.code, detail=str(error))
        raise Refused(status_of(error), error.code, str(error), faults=[fault]) from error
