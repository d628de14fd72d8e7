"""Literals that no answer can equal are faults, with the nearest right one and the exact place in the file."""
# ruff: noqa: E501 - the table of wrong conditions reads line by line

from __future__ import annotations

import pytest

from catalogue.files import read_catalogue, read_file
from rules.definition.faults import CatalogueErrors
from tests.harness.boarding_files import BOARDING

#: Marks the place of the fault in a text.
HERE = "▮"
MORE = (
    "  - {code: night_watch, label: Is there a night watch?, type: boolean, when: 'turnover > 50000'}\n"
    "  - {code: zp, label: ZIP, type: zip}\n"
    "  - {code: yr, label: Year, type: year}\n"
    "  - {code: staff, label: Staff, type: integer, validate: [max:500]}\n"
    "  - {code: mail, label: Mail, type: email}\n"
    "  - {code: notes, label: Notes, type: long_text}\n"
)
CATALOGUE = BOARDING.replace(MORE.splitlines(keepends=True)[0], MORE)
CONDITION = "when: 'turnover > 50000'"
#: condition (with the mark at the fault), code, part of the sentence, remedy
NEVER = [
    ('region == ▮"NOO"', "unknown_choice", "'NOO' is not a choice of 'region'", "Did you mean 'NO'?"),
    ('region == ▮"se"', "unknown_choice", "'se' is not a choice", "Did you mean 'SE'?"),
    ('region != ▮"XY"', "unknown_choice", "'XY' is not a choice", "Write one of: NO, SE, ON."),
    ('▮"NOO" == region', "unknown_choice", "'NOO' is not a choice", "Did you mean 'NO'?"),
    ('region in ["SE", ▮"NOO"]', "unknown_choice", "'NOO' is not a choice", "Did you mean 'NO'?"),
    ('▮"caer" in cover', "unknown_choice", "'caer' is not a choice of 'cover'", "Did you mean 'care'?"),
    ('▮"Premises" in cover', "unknown_choice", "'Premises' is not a choice", "Did you mean 'premises'?"),
    ('cover == [▮"nope"]', "unknown_choice", "'nope' is not a choice", "Write one of: care, premises."),
    ("cover == ▮[]", "never_true", "An empty list is no answer", "Write !answered(question) to test that there is no answer."),
    ('cover.exists(c, c == ▮"fire")', "unknown_choice", "'fire' is not a choice of 'cover'", "Did you mean 'care'?"),
    ('runs.exists(r, r.run_size == ▮"smal")', "unknown_choice", "'smal' is not a choice of 'run_size'", "Did you mean 'small'?"),
    ('runs.all(r, r.run_size in [▮"Over 10 kg"])', "unknown_choice", "is not a choice", "Did you mean 'large'?"),
    ('region.startsWith(▮"X")', "never_true", "No choice of 'region' begins with", "Write one of: NO, SE, ON."),
    ('startsWithAny(region, ["N", ▮"X"])', "never_true", "begins with", "Write one of: NO, SE, ON."),
    ('region == (night_cap ? ▮"XX" : "YY")', "unknown_choice", "'XX' is not a choice", "Write one of: NO, SE, ON."),
    ('trade == ▮"442110"', "never_true", "No answer to 'trade'", ""),
    ('trade.startsWith(▮"4421")', "never_true", "No answer to 'trade' begins with", ""),
    ('zp == ▮"2108"', "never_true", "No answer to 'zp'", ""),
    ('zp == ▮"02108-1234"', "never_true", "No answer to 'zp'", 'Write "02108".'),
    ('zp.startsWith(▮"787011")', "never_true", "No answer to 'zp' begins with", ""),
    ('kennel_name == ▮"a  b"', "never_true", "No answer to 'kennel_name'", 'Write "a b".'),
    ('kennel_name == ▮" x"', "never_true", "No answer to 'kennel_name'", 'Write "x".'),
    ('kennel_name == ▮""', "never_true", "No answer to 'kennel_name'", "Write !answered(kennel_name) to test that there is no answer."),
    ('kennel_name == ▮"Cafe\\u0301"', "never_true", "No answer to 'kennel_name'", 'Write "Café".'),
    ('kennel_name.contains(▮"a  b")', "never_true", "contains", 'Write "a b".'),
    ("yr == ▮26", "never_true", "No answer to 'yr' can equal 26", ""),
    ("yr > ▮26", "never_true", "Every answer to 'yr' is above 26, so this is always true", ""),
    ("yr < ▮26", "never_true", "Every answer to 'yr' is above 26, so this is never true", ""),
    ("▮26 >= yr", "never_true", "so this is never true", ""),
    ("staff == ▮1.5", "never_true", "No answer to 'staff' can equal 1.5", ""),
    ("turnover == ▮1.005", "never_true", "No answer to 'turnover'", "Write 1.01."),
    ("staff in [1, ▮2.5]", "never_true", "No answer to 'staff' can equal 2.5", ""),
    ("month(opened) == ▮13", "never_true", "cannot be 13", "Write a whole number from 1 to 12."),
    ("year(opened) < ▮26", "never_true", "so this is never true", ""),
    ('lower(kennel_name) == ▮"Happy"', "never_true", "cannot be", 'Write "happy".'),
    ('region in (night_cap ? [▮"XX"] : ["SE"])', "unknown_choice", "'XX' is not a choice of 'region'", "Write one of: NO, SE, ON."),
    ("region in ▮[]", "never_true", "The list is empty", "Fill the list."),
    ("startsWithAny(region, ▮[])", "never_true", "The list is empty", "Fill the list."),
    ('region + "/" + size_of_all == ▮"SE/tiny"', "unknown_choice", "is not a choice of 'region + \"/\" + size_of_all'", "Write one of: NO/small, NO/large, SE/small,"),
    ('"x" + region in ["xSE", ▮"SE"]', "unknown_choice", "'SE' is not a choice", "Did you mean 'xSE'?"),
    ('(region + size_of_all).startsWith(▮"se")', "never_true", "begins with", "Write one of: NOsmall, NOlarge, SEsmall"),
    ("region ▮== size_of_all", "never_true", "have no choice in common", "Compare questions that share choices."),
    ('region in ▮["SE", turnover]', "type_error", "different kinds", ""),
]  # fmt: skip


def with_condition(condition: str) -> str:
    text = CATALOGUE.replace(
        "  - {code: zp,", "  - {code: night_cap, label: Cap?, type: boolean}\n"
        "  - {code: size_of_all, label: Size, type: choice, choices: sizes}\n  - {code: zp,",
    )  # fmt: skip
    assert text.count(CONDITION) == 1
    return text.replace(CONDITION, "when: '" + condition + "'")


@pytest.mark.parametrize(("condition", "code", "words", "remedy"), NEVER, ids=[case[0] for case in NEVER])
def test_a_literal_that_no_answer_can_equal_is_a_fault(condition: str, code: str, words: str, remedy: str) -> None:
    marked = with_condition(condition)
    before = marked[: marked.index(HERE)]

    with pytest.raises(CatalogueErrors) as caught:
        read_catalogue(marked.replace(HERE, ""))

    [fault] = caught.value.faults
    assert fault.code == code
    assert words in fault.text
    assert remedy in fault.remedy
    assert fault.remedy
    assert (fault.line, fault.column) == (before.count("\n") + 1, len(before) - before.rfind("\n"))


@pytest.mark.parametrize(
    "condition",
    [
        'region == "ON"',
        'cover == ["premises", "care"]',
        '"care" in cover && !("premises" in cover)',
        'trade == "812910"',
        'trade.startsWith("8129")',
        'startsWithAny(trade, ["23", "5617"])',
        'zp == "02108"',
        'zp.startsWith("787")',
        'kennel_name == "Happy Tails"',
        'kennel_name.contains(" & ")',
        'notes.contains("mold")',
        'mail.endsWith("@example.com")',
        "yr == 2026",
        "yr < 1990",
        "staff == 3",
        "staff < 1.5",
        "turnover == 0.05",
        'opened == date("2026-02-03")',
        'opened > date("2026-02-03")',
        "night_cap == true",
        'region == (night_cap ? "SE" : "none")',
        'region in ["SE", kennel_name]',
        'runs.exists(r, r.run_size == "small")',
        'size(kennel_name) > 3 && kennel_name + "x" == "yx"',
        "staff + 0.5 == 1.5",
        'region + "/" + size_of_all == "SE/small"',
        'region + "/" + kennel_name == "XX/a"',
        '"a" + "b" == "ab" || night_cap',
        'lower(kennel_name) == "happy"',
        "month(opened) in [1, 12]",
    ],
)
def test_a_literal_that_an_answer_can_equal_is_none(condition: str) -> None:
    warnings = read_file(with_condition(condition)).warnings

    assert not [warning for warning in warnings if warning.where.endswith("when")]


@pytest.mark.parametrize(
    ("old", "new", "code", "words"),
    [
        ("states: [NO, SE]", "states: [NO, ▮SEE]", "unknown_choice", "Did you mean 'SE'?"),
        ("industries: all", 'industries: ["8129", ▮"4421"]', "unknown_industry", "begins with '4421'"),
        ("rates: {small: 4, large: 6.5}", "rates: {small: 4, ▮big: 6.5}", "unknown_choice", "Write one of: small, large."),
        ("set: {region: SE}", "set: {region: ▮ES}", "unknown_choice", "Did you mean 'SE'?"),
        ("- {code: care, label: Care of animals,", "- {code: ▮caer, label: Care of animals,", "unknown_choice", "Did you mean 'care'?"),
        ("times: 0.9}", "times: 0.9}\n    - {id: f2, when: 'region == ▮\"NOO\"', times: 2}", "unknown_choice", "Did you mean 'NO'?"),
        ("rate: 1.25, per: 1000, of: turnover", "rate: 1.25, per: 1000, of: 'region == ▮\"NOO\" ? 1 : turnover'", "unknown_choice", "Did you mean 'NO'?"),
        ("states: '[region]', industry: trade}\ncarriers", "states: '[region == ▮\"NOO\" ? region : \"SE\"]', industry: trade}\ncarriers", "unknown_choice", "Did you mean 'NO'?"),
    ],
)  # fmt: skip
def test_products_name_only_what_answers_can_be(old: str, new: str, code: str, words: str) -> None:
    assert CATALOGUE.count(old) == 1
    marked = CATALOGUE.replace(old, new)
    before = marked[: marked.index(HERE)]

    with pytest.raises(CatalogueErrors) as caught:
        read_catalogue(marked.replace(HERE, ""))

    found = {(fault.code, fault.line, fault.column): f"{fault.text} {fault.remedy}" for fault in caught.value.faults}
    place = (code, before.count("\n") + 1, len(before) - before.rfind("\n"))
    assert place in found
    assert words in found[place]


def test_rates_of_joined_choices_are_those_that_rows_can_have() -> None:
    joined = CATALOGUE.replace("rate_by: run_size", "rate_by: 'region + \"/\" + run_size'").replace(
        "      reason: run_size\n", ""
    )  # fmt: skip
    wrong = joined.replace("{small: 4, large: 6.5}", "{SE/small: 4, SE/tiny: 3, NO small: 1}")
    some = joined.replace("{small: 4, large: 6.5}", "{SE/small: 4, SE/large: 3, NO/small: 1, NO/large: 1, ON/small: 2}")

    with pytest.raises(CatalogueErrors) as caught:
        read_catalogue(wrong)
    warnings = read_file(some).warnings

    assert [(fault.code, fault.where) for fault in caught.value.faults] == [
        ("unknown_choice", "products[PAW-CARE].rating.tables[0].rates[SE/tiny]"),
        ("unknown_choice", "products[PAW-CARE].rating.tables[0].rates[NO small]"),
    ]  # fmt: skip
    assert ["ON/large" in warning.text for warning in warnings if warning.code == "missing_rate"] == [True]


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("{code: qz, label: Z, type: zip, validate: ▮[zip_matches_state:cover_size]}", "No choice of 'cover_size' is the code"),
        ("{code: qr, label: R, type: choice, choices: regions, validate: ▮[in_pool:runs.run_size]}", "no choice in common"),
    ],
)  # fmt: skip
def test_validators_name_only_what_answers_can_be(question: str, words: str) -> None:
    size = "  - {code: cover_size, label: Size, type: choice, choices: sizes}\n"
    marked = CATALOGUE.replace("- code: kennels", f"{size}  - {question}\n- code: kennels")
    before = marked[: marked.index(HERE)]

    with pytest.raises(CatalogueErrors) as caught:
        read_catalogue(marked.replace(HERE, ""))

    [fault] = caught.value.faults
    assert (fault.code, fault.line, fault.column) == (
        "never_true", before.count("\n") + 1, len(before) - before.rfind("\n")
    )  # fmt: skip
    assert words in fault.text


@pytest.mark.parametrize("code", ["e\u0301cole", "\u00e9cole"], ids=["NFD", "NFC"])
def test_a_code_with_an_accent_is_read_composed(code: str) -> None:
    definition = read_catalogue(
        CATALOGUE.replace("small: Up", f"{code}: Up").replace("{small: 4", f"{{{code}: 4").replace(
            CONDITION, f"when: 'runs.exists(r, r.run_size == \"{code}\")'"
        )
    )  # fmt: skip

    assert list(definition.choices["sizes"]) == ["école", "large"]
    assert definition.products[0].rating.tables[0].rates["école"] == "4"


@pytest.mark.parametrize("code", ['" d"', '"d "', '"d  e"', '"d\\u00a0"', '"d\\u200b"'])
def test_a_code_that_nobody_can_choose_is_a_fault(code: str) -> None:
    text = CATALOGUE.replace("sizes: {small:", f"sizes: {{{code}: D, small:")
    line, column = next(
        (number, written.index("{") + 2) for number, written in enumerate(text.split("\n"), 1) if "sizes: {" in written
    )

    with pytest.raises(CatalogueErrors) as caught:
        read_catalogue(text)

    [fault] = caught.value.faults
    assert (fault.code, fault.line, fault.column) == ("bad_code", line, column)
    assert fault.remedy.startswith("Write 'd")


def test_columns_are_those_of_the_file_after_a_decomposed_letter() -> None:
    text = CATALOGUE.replace(CONDITION, 'when: \'kennel_name == "Cafe\u0301" && region == "NOO"\'')
    line = next(written for written in text.split("\n") if "NOO" in written)

    with pytest.raises(CatalogueErrors) as caught:
        read_catalogue(text)

    [fault] = caught.value.faults
    assert fault.column == line.index('"NOO"') + 1
