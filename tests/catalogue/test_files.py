"""Reading catalogue files: all faults are reported together with their places, and nothing is guessed."""
# ruff: noqa: E501 - the table of wrong files reads line by line

import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogue.files import read_catalogue, write_catalogue
from catalogue.yaml_nodes import MAX_CHARACTERS
from rules.definition import catalogue as parts
from rules.definition.faults import CatalogueErrors, CatalogueFault
from rules.invisible import has_override, keep_visible
from tests.harness.boarding_files import BOARDING
from tests.harness.tiers import amount

#: Marks the place of the fault in a text.
HERE = "▮"


def faults_of(text: str) -> list[CatalogueFault]:
    with pytest.raises(CatalogueErrors) as caught:
        read_catalogue(text)
    return caught.value.faults


def place_of_mark(text: str) -> tuple[int, int]:
    before = text[: text.index(HERE)]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def broken(old: str, new: str) -> str:
    assert BOARDING.count(old) == 1, old
    return BOARDING.replace(old, new)


#: name, replaced text, new text (with the mark at the fault), code, part of the sentence or its remedy
WRONG = [
    ("unknown question", "when: 'turnover > 50000'", "when: '▮turnove > 50000'", "unknown_question", "turnover"),
    ("unknown question after an escape", "'region == \"ON\"'", '"region == \\"ON\\" && ▮regoin == \'x\'"', "unknown_question", "region"),
    ("unknown question in a row", "r.run_places > 40", "r▮.run_placs > 40", "unknown_question", "run_places"),
    ("type error", "when: 'turnover > 50000'", "when: 'turnover ▮> \"much\"'", "type_error", ">"),
    ("type error in a row", "r.run_places > 40)", 'r.run_places ▮> "many")', "type_error", ">"),
    ("type error in a folded text", "when: 'turnover > 50000'}", "when: 'opened\n      ▮> 5'}", "type_error", ">"),
    ("syntax error", "when: 'places > 100'", "when: 'places >▮'", "syntax_error", "CEL"),
    ("cycle", "value: 'sum(runs.map(r, r.run_places))'", "value: ▮'places + 1'", "cycle", "places"),
    ("a question twice in a set", "{code: opened,", "▮{code: trade,", "duplicate_code", "trade"),
    ("a question twice in two sets", "- {code: run_places,", "- ▮{code: trade, label: Again, type: text}\n  - {code: run_places,", "duplicate_code", "trade"),
    ("a rule twice", "{id: P1,", "▮{id: F1,", "duplicate_code", "F1"),
    ("a factor twice", "times: 0.9}", "times: 0.9}\n    - ▮{id: watched, when: night_watch, times: 0.8}", "duplicate_code", "watched"),
    ("a choice twice", 'regions: [NO, SE, "ON"]', "regions: [NO, SE, 'ON', ▮SE]", "duplicate_code", "SE"),
    ("a key twice", "title: Boarding of pets", "title: Boarding of pets\n▮title: Again", "duplicate_key", "title"),
    ("no such choice list", "choices: sizes}", "choices: ▮sices}", "missing_choice_list", "sizes"),
    ("no choice list", "required: quote, choices: sizes}", "required: quote}", "missing_choice_list", "choice"),
    ("unknown key", "label: Opened on,", "label: Opened on, ▮requried: quote,", "unknown_key", "required"),
    ("unknown key at the top", "derived:\n", "▮derivde:\n", "unknown_key", "derived"),
    ("missing key", "- {code: opened, label: Opened on, type", "- ▮{code: opened, type", "missing_key", "label"),
    ("no value", "title: Runs", "title:▮", "missing_value", "value"),
    ("empty text", "title: Runs", "title: ▮''", "missing_value", "empty"),
    ("unknown type", "type: date", "type: ▮dat", "bad_value", "date"),
    ("yes for true", "admitted: true", "admitted: ▮yes", "bad_value", "true"),
    ("yes in quotes for true", "admitted: true", "admitted: ▮'yes'", "bad_value", "true"),
    ("a rate with a comma", "rate: 1.25", "rate: ▮'1,25'", "bad_number", "point"),
    ("a rate with leading zeros", "rate: 1.25", "rate: ▮01.25", "bad_number", "digits"),
    ("an endless rate", "rate: 1.25", "rate: ▮.inf", "bad_number", "digits"),
    ("a rate in powers of ten", "rate: 1.25", "rate: ▮1e3", "bad_number", "digits"),
    ("a fine rate", "rate: 1.25", "rate: ▮0.1234567", "bad_number", "6 after"),
    ("negative rows", "min: 1,", "min: ▮-1,", "bad_number", "whole"),
    ("more rows at least than at most", "min: 1,", "min: ▮31,", "wrong_value", "range"),
    ("a list for a text", "title: Runs", "title: ▮[Runs]", "wrong_shape", "single"),
    ("a text for a list", "validate: [min:0]", "validate: ▮min:0", "wrong_shape", "list"),
    ("a text for a part", "pool: {code: runs, min: 1, max: 30, key: [run_name]}", "pool: ▮runs", "wrong_shape", "keys"),
    ("a space in a validator", "validate: [min:0]", "validate: [▮min: 0]", "wrong_shape", "without a space"),
    ("unknown validator", "validate: [min:0]", "validate: ▮[minn:0]", "wrong_validator", "min"),
    ("a code that is no name", "{code: opened,", "{code: ▮opened-on,", "bad_code", "letters"),
    ("a label that is too long", "label: Opened on", "label: ▮" + "o" * 301, "too_long", "300"),
    ("a NUL", "label: Opened on", 'label: ▮"a\\0b"', "bad_text", "control"),
    ("no states", "states: [NO, SE]", "states: ▮[]", "missing_value", "all"),
    ("a value that looks like no", "set: {region: SE}", "set: {region: ▮NO}", "ambiguous_value", '"NO"'),
    ("a value that looks like a date", "set: {region: SE}", "set: {region: ▮2026-06-01}", "ambiguous_value", "quotes"),
    ("a value with leading zeros", "set: {region: SE}", "set: {region: ▮0042}", "ambiguous_value", '"0042"'),
    ("unknown carrier", "carrier: PAW", "carrier: ▮PAV", "unknown_carrier", "PAW"),
    ("unknown line", "  line: care", "  line: ▮car", "unknown_line", "care"),
    ("an alias", "title: Runs", "title: &x Runs\n  when: ▮*x\n  #", "alias", "out"),
    ("a tag", "title: Runs", "title: ▮!!python/name:os.system Runs", "tag", "tag"),
    ("a second document", "title: Boarding of pets", "title: Boarding of pets\n▮---", "bad_yaml", "document"),
    ("a bracket left open", "key: [run_name]}", "key: [run_name▮}", "bad_yaml", "brackets"),
    ("a colon without quotes", "title: Runs", "title: Runs▮: all", "bad_yaml", "quotes"),
    ("a tab", "derived:\n", "derived:\n▮\t", "bad_yaml", "YAML"),
    ("too deep", "title: Runs", "title: " + "[" * 18 + "▮[" + "]" * 19, "too_deep", "20"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "code", "words"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_wrong_file_names_the_place_and_the_remedy(old, new, code, words):
    text = broken(old, new)

    faults = faults_of(text.replace(HERE, ""))

    assert [fault.code for fault in faults][:1] == [code]
    assert words in f"{faults[0].text} {faults[0].remedy}"
    assert faults[0].remedy
    if HERE in text:
        assert (faults[0].line, faults[0].column) == place_of_mark(text)


def test_all_faults_come_at_once_in_the_order_of_the_file():
    text = broken("when: 'turnover > 50000'", "when: 'turnove > 1'").replace(
        "choices: sizes}", "choices: sices, helpp: x}"
    )
    text = text.replace("r.run_places > 40", "r.run_places > true")

    faults = faults_of(text)

    assert [fault.code for fault in faults] == ["unknown_question", "missing_choice_list", "unknown_key", "type_error"]
    assert [fault.line for fault in faults] == sorted(fault.line for fault in faults)


def test_a_fault_without_dependents_does_not_hide_other_faults():
    text = broken("title: Boarding of pets", "titel: Boarding of pets").replace("rate: 1.25", "rate: 1.2.5")
    text = text.replace("name: Pawprint Mutual, admitted: true", "name: '', admitted: yes").replace(
        "[min:0]", "[min: 0]"
    )
    text = text.replace("r.run_places > 40", "r.run_places > true").replace("places > 100", "placs > 100")

    faults = faults_of(text)

    assert [fault.code for fault in faults] == [
        "missing_key",
        "unknown_key",
        "wrong_shape",
        "unknown_question",
        "missing_value",
        "bad_value",
        "bad_number",
        "type_error",
    ]


def test_two_missing_values_are_both_reported():
    faults = faults_of(broken("title: Runs", "title:").replace("type: date", "type: dat"))

    assert [(fault.code, fault.where) for fault in faults] == [
        ("bad_value", "question_sets[start].questions[opened].type"),
        ("missing_value", "question_sets[kennels].title"),
    ]


@pytest.mark.parametrize("text", ["", "\n# nothing\n", "just a text", "- a\n- b", "\x00", "{", "\ud800"])
def test_a_file_without_a_catalogue_is_refused(text):
    assert faults_of(text)


def test_a_huge_file_is_refused_before_it_is_parsed():
    assert [fault.code for fault in faults_of("#" * (MAX_CHARACTERS + 1))] == ["too_big"]


def test_a_small_file_cannot_mean_a_huge_one():
    laughs = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(20)
    )

    assert [fault.code for fault in faults_of(laughs)] == ["alias"]


def test_a_file_that_is_not_utf_8_is_refused(tmp_path):
    file = tmp_path / "catalogue.yaml"
    file.write_bytes(BOARDING.replace("Boarding", "Chenil privé").encode("latin-1"))

    with pytest.raises(CatalogueErrors) as caught:
        read_catalogue(file)

    assert [fault.code for fault in caught.value.faults] == ["bad_yaml"]


@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_texts_are_read_as_written(tmp_path, bom):
    """Neither ``no`` nor ``0042`` nor a date turns into something else, quoted or not."""
    text = broken(
        "sizes: {small: Up to 10 kg, large: Over 10 kg}", "sizes: {small: 0042, large: 2026-06-01, no: off, 1_0: 1:30}"
    )
    file = tmp_path / "catalogue.yaml"
    file.write_text(bom + text.replace("rates: {small: 4, large: 6.5}", "rates: {no: 4, 1_0: 6.50}"), encoding="utf-8")

    read = read_catalogue(file)

    assert read.choices["sizes"] == {"small": "0042", "large": "2026-06-01", "no": "off", "1_0": "1:30"}
    assert read.choices["regions"] == {"NO": "NO", "SE": "SE", "ON": "ON"}
    assert read.products[0].states == ("NO", "SE")
    assert read.products[0].rating.tables[0].rates == {"no": "4", "1_0": "6.5"}


def test_windows_line_ends_and_other_scripts_keep_places_right():
    text = broken("title: The kennel", "title: 犬舎 😀 'a'").replace(
        "'region == \"ON\"'", "'\"犬😀\" == region && regoin == region'"
    )
    line = next(number for number, line in enumerate(text.split("\n"), 1) if "regoin" in line)
    column = text.split("\n")[line - 1].index("regoin") + 1

    for variant in (text, text.replace("\n", "\r\n")):
        assert [(fault.code, fault.line, fault.column) for fault in faults_of(variant)] == [
            ("unknown_question", line, column)
        ]


def test_writing_and_reading_gives_the_same_catalogue():
    read = read_catalogue(BOARDING)

    assert read_catalogue(write_catalogue(read)) == read


_TEXTS = (
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)
    .map(lambda text: unicodedata.normalize("NFC", text).strip())
    .filter(lambda text: 0 < len(text) <= 64 and keep_visible(text).strip() and not has_override(text))
)
#: What answers keep as it is: no invisible characters, and only single spaces.
_CODES = _TEXTS.map(lambda text: " ".join(text.split())).filter(lambda text: keep_visible(text) == text)


@given(st.lists(st.tuples(_CODES, _TEXTS), min_size=1, max_size=5, unique_by=lambda pair: pair[0]))
def test_any_text_survives_writing_and_reading(pairs):
    choices = parts.CatalogueDefinition(code="a", title=pairs[0][1], choices={"list": dict(pairs)})

    assert read_catalogue(write_catalogue(choices)) == choices


def test_texts_are_composed_and_trimmed():
    text = broken("title: Runs", 'title: "  Cafe\u0301 "').replace("small: Up to 10 kg", 'small: " Up to 10 kg "')

    read = read_catalogue(text)

    assert read.question_sets[1].title == "Café"
    assert read.choices["sizes"]["small"] == "Up to 10 kg"


@given(st.text(max_size=200))
def test_no_text_causes_more_than_a_refusal(text):
    with pytest.raises(CatalogueErrors):
        read_catalogue(text)


@settings(max_examples=amount(80, full=300), deadline=None)
@given(st.integers(0, len(BOARDING)), st.integers(0, 60), st.text("[]{}:,'\"#&*!|>-\n \\0azé", max_size=8))
def test_no_damage_causes_more_than_a_refusal(start, length, inserted):
    damaged = BOARDING[:start] + inserted + BOARDING[start + length :]

    try:
        read_catalogue(damaged)
    except CatalogueErrors as error:
        assert error.faults
        assert all(fault.line and fault.column and fault.remedy for fault in error.faults)


def test_a_file_of_faulty_lines_is_read_only_so_far() -> None:
    began = time.process_time()
    faults = faults_of("code: x\ntitle: X\nproducts:\n" + "- {}\n" * 60_000)

    assert time.process_time() - began < 8
    assert len(faults) < 600
    assert faults[-1].code == "too_many_faults"
