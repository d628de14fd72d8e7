"""Numbers derived from sensitive answers are as sensitive as these: masked when explained, and not stored if secret."""

from __future__ import annotations

import copy
from datetime import date
from typing import Any, Final

import msgspec
import pytest

from copies.document import Answer, Document
from presentation.visibility import PERSONAL, PUBLIC, SECRET, Confidentiality, Reader, Visibility
from rules.definition.catalogue import CatalogueDefinition
from rules.definition.compiler import compile_catalogue
from rules.definition.faults import CatalogueErrors
from rules.definition.model import CompiledCatalogue
from rules.explain.trace import explain
from rules.flow import check_flow
from tests.harness.boarding_catalogue import ANSWERS, AS_OF, BOARDING, document

BORN: Final = "1980-05-17"
#: Derived value, the sensitivity of what it is made of, and its confidentiality.
DERIVED: Final[list[tuple[str, str, Confidentiality]]] = [
    ("years(born)", "spi", SECRET),
    ("years(born)", "pii", PERSONAL),
    ("years(born)", "", PUBLIC),
    ("year(born) * 10000", "pii", PERSONAL),
    ("age * 2 + 1", "spi", SECRET),
    ("count(kennels)", "spi", PUBLIC),
    ("years(born) > 40", "spi", PUBLIC),
]


def catalogue_with(value: str, sensitivity: str) -> CompiledCatalogue:
    source: dict[str, Any] = copy.deepcopy(BOARDING)
    source["question_sets"][0]["questions"].append(
        {"code": "born", "label": "Born", "type": "date", "sensitivity": sensitivity}
    )
    source["derived"] += [{"code": "age", "value": "years(born)"}, {"code": "made", "value": value}]
    return compile_catalogue(msgspec.convert(source, CatalogueDefinition))


def filled() -> Document:
    made = document(ANSWERS)
    made.answers["born"] = Answer(value=BORN)
    return made


@pytest.mark.parametrize(("value", "sensitivity", "level"), DERIVED)
def test_confidentiality(value: str, sensitivity: str, level: Confidentiality) -> None:
    catalogue = catalogue_with(value, sensitivity)

    assert Visibility(catalogue, Reader(sees_personal=True)).of("made") is level
    evaluation = check_flow.run(
        catalogue, filled(), as_of=AS_OF, release=1, reveal=lambda path, answer: answer.value
    ).evaluation
    assert (evaluation.derived["made"] is None) is (level is SECRET)
    for sees_personal in (True, False):
        is_hidden = level is SECRET or (level is PERSONAL and not sees_personal)
        explained = explain(
            catalogue,
            filled(),
            "derived:made",
            as_of=AS_OF,
            reveal=lambda path, answer: answer.value,
            visibility=Visibility(catalogue, Reader(sees_personal=sees_personal)),
        )
        assert (explained.result == "••••") is is_hidden
        assert ("••••" in explained.text) is is_hidden
        if is_hidden:
            assert str(date.fromisoformat(BORN).year) not in str(explained)


@pytest.mark.parametrize("value", ["born", 'string(age) + " years"', 'age > 40 ? "old" : "young"'])
def test_texts_and_dates_of_sensitive_answers_are_refused(value: str) -> None:
    with pytest.raises(CatalogueErrors) as refused:
        catalogue_with(value, "spi")

    assert {fault.where for fault in refused.value.faults} == {"derived[made].value"}


def test_the_sensitivity_of_then_counts_too() -> None:
    catalogue = catalogue_with("age * 2", "")

    then = Visibility(catalogue, Reader(sees_personal=True), past=[{"born": "spi"}])

    assert then.of("made") is SECRET
