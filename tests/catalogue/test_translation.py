"""Whole catalogues of the older layout become catalogue files."""

from pathlib import Path

import pytest

from catalogue.files import read_catalogue, write_catalogue
from catalogue.translation import Hints, translate
from rules.definition.faults import CatalogueErrors

HERE = Path(__file__).parent
SOURCE = (HERE / "older_notation.yaml").read_text(encoding="utf-8")


def faults_of(source: str, hints: Hints | None = None):
    with pytest.raises(CatalogueErrors) as caught:
        translate(source, hints)
    return caught.value.faults


def test_a_catalogue_translates_into_exactly_its_file():
    assert write_catalogue(translate(SOURCE)) == (HERE / "boat_yards.yaml").read_text(encoding="utf-8")


def test_the_translated_file_is_faultless():
    assert read_catalogue(HERE / "boat_yards.yaml") == translate(SOURCE)


def test_options_override_inferred_names():
    hints = Hints(
        title="Yards",
        title_question="pier_name",
        industry_question="yard_name",
        payroll="boat_value",
        experience="d_value",
    )

    translated = translate(SOURCE, hints)

    crew = translated.products[1].rating.tables[0]
    assert (translated.title, translated.title_question, translated.lines[0].industry) == (
        "Yards",
        "pier_name",
        "yard_name",
    )
    assert (crew.amount, crew.times) == ("boat_value", "d_value")
    assert translated.question_sets[0].questions[5].when == '!("crew" in yard_covers) && yard_name.startsWith("3366")'


def test_every_untranslatable_expression_is_reported():
    source = SOURCE.replace("sum(piers.boats, boat_value)", "sum(boats, boat_value)").replace(
        "yard_past > 1", "yard_past ** 2"
    )

    faults = faults_of(source)

    assert [(fault.code, fault.where, fault.column) for fault in faults] == [
        ("untranslatable", "derived[d_value].value", 5),
        ("untranslatable", "products[SEA-HULL].rating.factors[past].when", 1),
    ]


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("a: [", "bad_yaml"),
        ("a: !!python/object/apply:os.system [x]", "bad_source"),
        ("", "bad_source"),
        ("- a", "bad_source"),
        (SOURCE.replace("questions:", "asked:"), "bad_source"),
        (SOURCE.replace("type: decimal", "type: nonsense"), "bad_source"),
        (SOURCE.replace('class_rates: {"0042": 4.6', 'class_rates: {"9999": 4.6'), "bad_source"),
        (SOURCE.replace("yard_past: 1}", "yard_past: much}"), "bad_source"),
        (SOURCE.replace("admitted: true", "admited: true"), "bad_source"),
    ],
)
def test_a_source_that_is_not_of_the_layout_is_refused(source, code):
    assert [fault.code for fault in faults_of(source)] == [code]
