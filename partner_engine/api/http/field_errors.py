"""Refusals of the batch that concern one field of the body, with a pointer to that field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager

from msgspec import UNSET

from batch.changes.submission import submit_answers
from batch.context import BatchContext
from batch.errors import BatchError, InvalidAnswers, LooksSensitive, NoReason, UnknownPart, WrongValue
from partner_engine.error_statuses import status_of
from partner_engine.problems import Fault, Refused
from presentation.strict_json import JsonValue


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


def refused_answers(exception: InvalidAnswers) -> Refused:
    """Return the refusal of submitted answers, with a fault for each value or row."""
    faults = [
        Fault(
            pointer=fault.pointer,
            path=fault.path,
            code=fault.code,
            detail=fault.text,
            did_you_mean=fault.did_you_mean or UNSET,
            allowed=list(fault.allowed) if fault.allowed else UNSET,
        )
        for fault in exception.faults
    ]
    amount = len(faults) + exception.more
    if exception.summary:
        detail = exception.summary
    elif amount == 1:
        detail = f"A value is invalid: {faults[0].detail}"
    else:
        detail = f"{amount} values are invalid; nothing was changed."
    return Refused(status_of(exception), exception.code, detail, faults=faults, more=exception.more)


def refusals_of_answers(open_context: AbstractContextManager[BatchContext], body: JsonValue) -> Sequence[Refused]:
    """Return what is wrong with the answers and rows of a body whose shape was refused. Saves nothing."""
    if not isinstance(body, dict):
        return ()
    parts = [body.get(name, {}) for name in ("answers", "answer_pools")]
    answers, pools = (part if isinstance(part, dict) else {} for part in parts)
    try:
        with open_context as context:
            submit_answers(context.changeset, answers, pools)
    except InvalidAnswers as error:
        return (refused_answers(error),)
    except BatchError:
        # The form or catalogue is missing: the fixed request will learn of it.
        return ()
    return ()
