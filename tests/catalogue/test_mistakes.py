"""Typical mistakes of authors are answered in the words of the documentation, at the exact place."""
# ruff: noqa: E501 - the table of mistakes reads line by line

from __future__ import annotations

import pytest

from catalogue.files import read_catalogue
from catalogue.reports import MOST_EQUAL, describe_faults
from rules.definition.faults import CatalogueErrors, CatalogueFault
from tests.harness.boarding_files import BOARDING

HERE = "▮"
CONDITION = "when: 'turnover > 50000'"
#: condition (with the mark at the fault), sentence and remedy
CONDITIONS = [
    ("turnover ▮= 5", "'=' is no operator. Write ==."),
    ("turnover ▮=> 5", "'=>' is no operator. Write >=."),
    ("turnover ▮=< 5", "'=<' is no operator. Write <=."),
    ("turnover ▮<> 5", "'<>' is no operator. Write !=."),
    ("turnover ▮≥ 5", "'≥' is no operator. Write >=."),
    ("turnover > 5 ▮and turnover < 9", "'and' is no operator. Write &&."),
    ("turnover > 5 ▮OR turnover < 3", "'OR' is no operator. Write ||."),
    ("turnover > 5 ▮& turnover < 9", "'&' is no operator. Write &&."),
    ("▮not (turnover > 5)", "'not' is no operator. Write !."),
    ("▮not night_cap", "'not' is no operator. Write !."),
    ("region == ▮“SE”", 'Write straight quotes: "SE".'),
    ("region == ▮‘SE’", 'Write straight quotes: "SE".'),
    ("turnover > ▮50,000", "'50,000' is no number here. Write 50000, without a thousands separator."),
    ("turnover > ▮1,250,000.50", "Write 1250000.50, without a thousands separator."),
    ("turnover > ▮50%", "'50%' is no number here. Write 50, without the percent sign."),
    ("turnover > ▮$50", "Write 50, without the currency sign."),
    ("turnover > ▮50k", "Write 50000."),
    ("turnover >▮\u00a05", "There is a no-break or other special space here. Replace it by an ordinary space."),
    ("turnover > ▮\u200b5", "There is an invisible character here. Remove it."),
    ("▮run_places > 100", "'run_places' is asked in the rows of 'runs', not here. Write runs.exists(r, r.run_places > 100)."),
    ("100 < ▮run_places", "Write runs.exists(r, 100 < r.run_places)."),
    ('▮run_size == "small"', 'Write runs.exists(r, r.run_size == "small").'),
    ("▮run_places + 1 > 5", "Write runs.exists(r, r.run_places + 1 > 5)."),
    ("region == ▮SE", 'There is no \'SE\' here. Write "SE" in quotes.'),
    ("region in [▮SE]", 'Write "SE" in quotes.'),
    ("night_cap == ▮True", "Write true."),
    ("turnover == ▮null", "'null' is not part of the rule language. Write answered(question), which is true or false."),
    ('opened ▮> "2026-01-01"', "'>' does not take date and text. A fixed date is date(\"2026-01-31\"); days(a, b) is the number of days between two dates."),
    ("opened ▮> 5", "'>' does not take date and number."),
    ("as_of ▮- opened > 365", "'-' does not take dates. Write days(a, b) or months(a, b), the number of days or full months from a to b."),
    ("opened ▮+ 30 > as_of", "'+' does not take dates."),
    ("region ▮> 5", "'>' does not take text and number. Compare numbers without quotes, texts and choices in quotes."),
    ("runs ▮> 5", "'>' does not take rows of runs and number."),
    ("night_cap ▮== 5", "'==' does not take true or false and number."),
    ("sum▮(runs.map(r, r.run_size)) > 5", "sum() does not take list of text."),
    ("turnover ▮＞ 5", "'＞' is written with wide characters. Write >."),
    ('region ▮＝ "SE"', "Write ==."),
    ("turnover > 5 ▮＆＆ night_cap", "Write &&."),
    ("turnover > ▮５０", "Write 50."),
    ('region == ▮""SE""', 'There are two pairs of quotes here. Write "SE".'),
    ('region == ▮"SE', 'This quote is not closed. Write " behind the text.'),
    ('region ▮in ("SE", "NO")', 'A list has square brackets. Write in ["SE", "NO"].'),
    ('region ▮not in ["SE"]', "Write !(a in [b, c])."),
    ("night_cap ▮is not true", "'is not' is no operator. Write !=."),
    ("region == ▮NO", 'Write "NO" in quotes.'),
    ("night_cap == ▮NO", "Write false."),
    ("opened > ▮today", "Write as_of, the day for which the form is evaluated."),
    ("▮derived.places > 5", "Write places, without derived before it."),
    ("answered▮(turnover > 5)", "answered() takes the name of one question. Write answered(question), or answered(r.question) of a row."),
    ("days▮(opened) > 5", "days() cannot be called this way. Write days(a, b)."),
]  # fmt: skip


def faults_of(text: str) -> list[CatalogueFault]:
    with pytest.raises(CatalogueErrors) as caught:
        read_catalogue(text)
    return caught.value.faults


def place_of(marked: str) -> tuple[int, int]:
    before = marked[: marked.index(HERE)]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


@pytest.mark.parametrize(("condition", "words"), CONDITIONS, ids=[case[0] for case in CONDITIONS])
def test_a_mistake_in_a_condition(condition: str, words: str) -> None:
    cap = "  - {code: night_cap, label: Cap?, type: boolean}\n- code: kennels"
    marked = BOARDING.replace("- code: kennels", cap).replace(CONDITION, "when: '" + condition + "'")

    faults = faults_of(marked.replace(HERE, ""))

    assert len(faults) == 1
    assert words in f"{faults[0].text} {faults[0].remedy}"
    assert (faults[0].line, faults[0].column) == place_of(marked)


def test_all_mistakes_of_a_condition_are_named() -> None:
    faults = faults_of(BOARDING.replace(CONDITION, 'when: \'region = "SE" or region = "NO"\''))

    assert [fault.remedy for fault in faults] == ["Write ==.", "Write ||.", "Write ==."]


def test_a_question_of_nested_rows_is_read_through_both_pools() -> None:
    nested = (
        "- code: animals\n  title: Animals\n  pool: {code: pets, parent: runs}\n  questions:\n"
        "  - {code: pet_weight, label: Weight, type: number}\nderived:\n"
    )
    text = BOARDING.replace("derived:\n", nested)

    [in_condition] = faults_of(text.replace(CONDITION, "when: 'pet_weight > 40'"))
    [in_sum] = faults_of(text.replace("'places > 100'", "'pet_weight * 2 > 40'"))

    assert in_condition.remedy == "Write runs.exists(r, r.pets.exists(p, p.pet_weight > 40))."
    assert in_sum.remedy == "Write runs.exists(r, r.pets.exists(p, p.pet_weight * 2 > 40))."


def test_a_number_of_rows_is_summed_in_a_derived_value() -> None:
    [fault] = faults_of(BOARDING.replace("'sum(runs.map(r, r.run_places))'", "'run_places * 2'"))

    assert fault.remedy == "Write sum(runs.map(r, r.run_places))."


def test_a_question_of_the_same_row_is_read_by_its_name_alone() -> None:
    places = "label: Places, type: integer, required: quote"
    [fault] = faults_of(BOARDING.replace(places, f"{places}, when: 'r.run_size == \"small\"'"))

    assert fault.remedy == "Write run_size, without r before it."


@pytest.mark.parametrize(
    ("label", "code"), [("\u200b", "missing_value"), ("\u3164", "missing_value"), ("\u202eKennel", "bad_text")]
)
def test_a_label_that_nobody_can_read(label: str, code: str) -> None:
    [fault] = faults_of(BOARDING.replace("label: Name of the kennel", f'label: "{label}"'))

    assert fault.code == code
    assert fault.where == "question_sets[start].questions[kennel_name].label"


def test_a_comma_in_a_label() -> None:
    marked = BOARDING.replace("label: Turnover a year", "label: Turnover, ▮a year")

    [fault] = faults_of(marked.replace(HERE, ""))

    assert fault.code == "unknown_key"
    assert fault.remedy.startswith("If it belongs to the text of 'label', put that text in quotes.")
    assert (fault.line, fault.column) == place_of(marked)


@pytest.mark.parametrize("number_sign", ["label: Turnover ▮# a year", "label: 'it''s' ▮# a year"])
def test_a_number_sign_in_a_label(number_sign: str) -> None:
    marked = BOARDING.replace("label: Turnover a year", number_sign)

    [fault] = faults_of(marked.replace(HERE, ""))

    assert fault.code == "bad_yaml"
    assert "in quotes if the # belongs to it" in fault.remedy
    assert (fault.line, fault.column) == place_of(marked)


def test_a_number_sign_in_quotes_is_no_comment() -> None:
    marked = BOARDING.replace("label: Turnover a year", 'label: "Turnover # a year", ▮}')

    [fault] = faults_of(marked.replace(HERE, ""))

    assert "comment" not in fault.text


def test_a_title_one_level_too_far_left() -> None:
    marked = BOARDING.replace("- code: kennels\n  title: Runs", "- code: kennels\n▮title: Runs")

    [fault] = faults_of(marked.replace(HERE, ""))

    assert fault.code == "duplicate_key"
    assert fault.text == "'title' is here twice, first on line 2."
    assert "a part of 'question_sets' above, indent it" in fault.remedy
    assert (fault.line, fault.column) == place_of(marked)


def test_two_hundred_equal_faults_are_twenty_and_a_count() -> None:
    question = "  - {{code: q{}, label: Q, type: text, validate: [maximum:5]}}\n"
    questions = "".join(question.format(number) for number in range(200))
    faults = faults_of(BOARDING.replace("- code: kennels", questions + "- code: kennels"))

    lines = describe_faults(faults, file="kennels.yaml").split("\n")

    assert len(faults) == 200
    assert len(lines) == MOST_EQUAL + 1
    assert lines[-1].endswith("And 180 more like this.")


def test_a_catalogue_of_five_thousand_questions_is_not_too_big() -> None:
    filling = "#" * 79 + "\n"
    text = BOARDING + filling * (2_500_000 // len(filling))

    assert read_catalogue(text).code == "pet_boarding"
