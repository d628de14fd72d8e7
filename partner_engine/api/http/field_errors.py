"""Refusals of the batch that concern one field of the body, with a pointer to that field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from batch.errors import LooksSensitive, NoReason, UnknownPart, WrongValue
from partner_engine.error_statuses import status_of
from partner_engine.problems import Fault, Refused


@contextmanager
def errors_of_fields(pointers: Mapping[str, str]) -> Iterator[None]:
    """Turn a refused value inside the block into an error of its field; ``pointers`` are by the names of fields."""
    try:
        yield
    except (LooksSensitive, WrongValue) as error:
        fault = Fault(pointer=pointers.get(error.field, ""), code=error.code, detail=str(error))
        raise Refused(status_of(error), error.code, str(error), faults=[fault]) from error


@contextmanager
def errors_of_field(pointer: str) -> Iterator[None]:
    """Turn a refused value inside the block into an error of the field at ``pointer``."""
    try:
        yield
    except (LooksSensitive, NoReason, UnknownPart, WrongValue) as error:
        fault = Fault(pointer=pointer, code=error.code, detail=str(error))
        raise Refused(status_of(error), error.code, str(error), faults=[fault]) from error
