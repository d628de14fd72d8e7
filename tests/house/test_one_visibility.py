"""One module decides who may see a value: no other reads a question's sensitivity, or makes masks."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.house.test_guarded_models import product_files
from tests.house.test_promises import CHECKOUT

#: The modules that read a question's sensitivity, and their reasons.
READERS = {
    "batch.changes.mutators.answers": "seals",
    "catalogue.golden_answers": "leaves personal answers out of golden cases",
    "catalogue.releases": "is the catalogue",
    "catalogue.warnings": "warns authors",
    "rules.definition.code_checks": "refuses faulty definitions",
    "rules.definition.page_checks": "refuses faulty definitions",
    "rules.definition.payload_checks": "refuses faulty definitions",
    "rules.definition.payload_compiler": "compiles",
    "rules.definition.texts": "compiles",
    "rules.flow.messages": "makes an error of a sensitive question a warning",
    "partner_engine.api.catalogue": "returns the catalogue",
    "presentation.answers_schema": "describes the answers of a catalogue to programs",
    "presentation.visibility": "decides",
}
#: The modules that know the form of a mask.
MASKERS = {
    "batch.changes.mutators.answers": "seals",
    "batch.changes.open_values": "seals what was stored before",
    "rules.payload": "masks what logs keep of a payload",
    "rules.types.question_type": "declares the mask of a type",
    "rules.types.fein": "masks its type",
    "rules.types.phone": "masks its type",
    "rules.types.ssn": "masks its type",
    "rules.types.tax_id": "masks its type",
    "rules.types.text": "masks its type",
    "rules.types.vin": "masks its type",
    "presentation.visibility": "decides",
}
_MASKS = {"HIDDEN", "is_mask", "mask", "mask_of"}


def reads_of_sensitivity(source: str) -> list[int]:
    """Return the lines that read a ``sensitivity``."""
    if "sensitivity" not in source:
        return []  # Reading a module as a tree takes much longer.
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if (isinstance(node, ast.Attribute) and node.attr == "sensitivity" and isinstance(node.ctx, ast.Load))
        or (
            isinstance(node, ast.Call)
            and getattr(node.func, "id", "") == "getattr"
            and any(isinstance(given, ast.Constant) and given.value == "sensitivity" for given in node.args)
        )
    ]


def imports_of_masks(source: str) -> list[int]:
    """Return the lines that import the form of a mask."""
    if "mask" not in source:
        return []
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom)
        and str(node.module).startswith(("copies.mask", "rules.types.mask"))
        and any(name.name in _MASKS for name in node.names)
    ]


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(CHECKOUT).with_suffix("").parts)


def test_no_other_module_reads_a_questions_sensitivity() -> None:
    assert {module_of(path) for path in product_files() if reads_of_sensitivity(path.read_text())} == set(READERS)


def test_no_other_module_makes_dots() -> None:
    assert {module_of(path) for path in product_files() if imports_of_masks(path.read_text())} == set(MASKERS)


@pytest.mark.parametrize(
    "source",
    [
        "hidden = question.sensitivity == 'spi'",
        "if known.question.sensitivity: pass",
        "level = getattr(question, 'sensitivity')",
        "show = {'': 1}[question.sensitivity]",
    ],
)
def test_a_read_is_detected(source: str) -> None:
    assert reads_of_sensitivity(source) == [1]


@pytest.mark.parametrize("source", ["Question(code='a', sensitivity='pii')", "row.sensitivity = 'pii'", "sensitivity"])
def test_other_code_is_not_reported(source: str) -> None:
    assert reads_of_sensitivity(source) == []
