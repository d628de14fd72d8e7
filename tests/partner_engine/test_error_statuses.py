"""Every refusal of the batch has a row in the table of HTTP statuses."""

from datetime import UTC, datetime

import pytest

from batch import errors, misuse
from partner_engine.error_statuses import STATUS, status_of


def _below(kind: type[errors.BatchError]) -> set[type[errors.BatchError]]:
    return {kind, *(found for child in kind.__subclasses__() for found in _below(child))}


OF_PRODUCT = {kind for kind in _below(errors.BatchError) if not kind.__module__.startswith("tests.")}


def test_every_refusal_has_a_row() -> None:
    misuses = _below(misuse.Misuse)

    assert OF_PRODUCT - misuses == set(STATUS) - {misuse.Misuse}


def test_misuse_is_a_fault_of_this_program() -> None:
    assert {status_of(kind()) for kind in (errors.BatchError, misuse.StaleReference, misuse.NestedSave)} == {500}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.NotFound(), 404),
        (errors.VersionMismatch(expected=1, actual=2), 412),
        (errors.CopyIsHeld(kind="quoting", until=datetime(2026, 1, 2, tzinfo=UTC)), 409),
        (errors.GuestLinkInvalid(), 403),
        (errors.UnknownRow("locations/1"), 422),
        (errors.NoRunningProcess("1"), 409),
        (errors.InvalidAnswers([]), 422),
    ],
    ids=lambda value: getattr(value, "code", None),
)
def test_the_status_of_a_refusal(error: errors.BatchError, status: int) -> None:
    assert status_of(error) == status


def test_a_class_without_a_row_goes_by_the_one_above() -> None:
    class Newer(errors.UnknownPart):
        pass

    assert status_of(Newer()) == 422
