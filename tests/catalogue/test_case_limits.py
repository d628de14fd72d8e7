"""A catalogue file with more golden cases than any has is refused before one of them is read."""

from __future__ import annotations

import pytest

from catalogue import case_files
from catalogue.case_files import read_cases
from catalogue.yaml_nodes import read_nodes
from rules.definition.faults import CatalogueErrors


def test_too_many_golden_cases_are_one_fault_without_reading_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("The cases were read.")

    monkeypatch.setattr(case_files.yaml, "load", refuse)
    text = "golden_cases:\n" + "- {}\n" * 2_001

    with pytest.raises(CatalogueErrors) as error:
        read_cases(text, read_nodes(text))

    [fault] = error.value.faults
    assert (fault.where, fault.line, "2,001 golden cases" in fault.text) == ("golden_cases", 2, True)
