"""Warnings about parts that are allowed but likely mistakes, each with its place; and no others."""
# ruff: noqa: E501 - the table of doubtful files reads line by line

from __future__ import annotations

import pytest

from catalogue.demo import CATALOGUE_FILE
from catalogue.files import read_file
from tests.harness.boarding_files import BOARDING

HERE = "▮"
PREMISES = (
    "- code: PAW-ALL\n  carrier: PAW\n  line: premises\n  rate_type: indication\n  states: all\n  industries: all\n"
    "  rating: {terms: [{rate: 1, of: turnover}]}\n"
)
#: The catalogue without warnings.
SOUND = BOARDING.replace('  "yes_no": {no: "No", yes: "Yes"}\n', "") + PREMISES
CONDITION = "when: 'turnover > 50000'"
#: old text, new text (with the mark at the warning), code, part of the sentence
DOUBTFUL = [
    ("required: quote, validate: [min:0]}", "required: quote, validate: ▮[min:300, max:200]}", "unanswerable", "at least 300 and at most 200"),
    ("label: Places, type: integer,", "label: Places, type: integer, validate: ▮[min:1.2, max:1.8],", "unanswerable", "at least 1.2"),
    ("validate: [max:80]", "validate: ▮[min:90, max:80]", "unanswerable", "at least 90"),
    ("  - {code: run_name,", "  - {code: run_year, label: Y, type: year, validate: ▮[max:26]}\n  - {code: run_name,", "unanswerable", "above 26"),
    ("required: quote, choices: covers}", "required: quote, choices: covers, validate: ▮[min_items:3]}", "unanswerable", "3 of 2 choices"),
    ("type: date, required: bind}", "type: date, required: bind, validate: ▮[age_between:40:20]}", "unanswerable", "40 to 20"),
    ("type: date, required: bind}", "type: date, required: bind, validate: ▮[not_before:as_of+5, not_after:as_of]}", "unanswerable", "No day"),
    ("type: date, required: bind}", "type: date, required: bind, validate: ▮[not_before:2026-05-01, not_after:2026-01-01]}", "unanswerable", "No day"),
    ("indexed: true}", "indexed: ▮true, sensitivity: spi}", "secret_indexed", "never searched"),
    ("premises: Premises}", "premises: Premises, ▮hail: Hail}", "missing_line", "'hail' can be requested"),
    ("line: premises", "line: care", "no_product", "No product belongs to the line 'premises'"),
    ("      rates: {small: 4, large: 6.5}\n      reason: run_size\n", "      rates: ▮{small: 4}\n", "missing_rate", "no rate for 'large'"),
    ("- code: PAW-ALL\n", "- code: ▮PAW-BARE\n  carrier: PAW\n  line: premises\n  rate_type: indication\n  states: all\n  industries: all\n- code: PAW-ALL\n", "no_rating", "its carrier names the price"),
    ("choices:\n", "choices:\n  ▮old: {a: A}\n", "unused", "No question uses this list"),
    ("derived:\n", "derived:\n- {code: ▮twice, value: turnover * 2}\n", "unused", "Nothing reads 'twice'"),
    ("carriers:\n", "carriers:\n- {code: ▮OLD, name: Old, admitted: true, link: {mode: sync}}\n", "unused", "has no product"),
    (CONDITION, "when: 'turnover > 5 && turnover ▮< 3'", "never_true", "contradicts"),
    (CONDITION, "when: 'turnover >= 5 && turnover ▮< 5'", "never_true", "contradicts"),
    (CONDITION, "when: 'region == \"SE\" && region ▮== \"NO\"'", "never_true", "contradicts"),
    (CONDITION, "when: 'region == \"SE\" && region ▮!= \"SE\"'", "never_true", "contradicts"),
    (CONDITION, "when: 'region in [\"SE\"] && (region == \"NO\" || turnover > 5) && region ▮in [\"NO\"]'", "never_true", "contradicts"),
    (CONDITION, "when: 'region != \"SE\" || region ▮!= \"NO\"'", "always_true", "Write && where both must differ."),
    ("{id: watched, when: night_watch,", "{id: watched, when: answered▮(night_watch),", "unstable", "moves when the answer comes"),
    ("per: 1000, of: turnover}", "per: 1000, of: 'answered▮(opened) ? turnover : 1'}", "unstable", "moves when"),
    (CONDITION, "when: ▮true", "always_true", "whatever is answered"),
    (CONDITION, "when: '1 ▮> 2'", "never_true", "whatever is answered"),
    ("runs.exists(r, r.run_places > 40)", "runs.exists(r, r.run_places > 40 && r.run_places ▮< 3)", "never_true", "contradicts"),
    ("run_places, label: Places, type: integer, required: quote}", "run_places, label: Places, type: integer, required: quote, validate: [max:30]}", "never_true", "the validators of r.run_places"),
    ("  - {code: run_name,", "  - {code: run_x, label: X, type: text, when: '▮false'}\n  - {code: run_name,", "never_true", "whatever is answered"),
]  # fmt: skip


def test_the_sound_catalogue_has_no_warnings() -> None:
    assert read_file(SOUND).warnings == []


@pytest.mark.parametrize(
    ("old", "new", "code", "words"), DOUBTFUL, ids=[f"{case[2]}-{case[1][:60]}" for case in DOUBTFUL]
)
def test_a_doubtful_part_is_warned_about(old: str, new: str, code: str, words: str) -> None:
    assert SOUND.count(old) == 1, old
    marked = SOUND.replace(old, new)

    warnings = read_file(marked.replace(HERE, "")).warnings

    [warning] = warnings
    assert warning.code == code
    assert words in f"{warning.text} {warning.remedy}"
    if HERE in marked:
        before = marked[: marked.index(HERE)]
        assert (warning.line, warning.column) == (before.count("\n") + 1, len(before) - before.rfind("\n"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("validate: [min:0]", "validate: [min:50001, max:50001]"),
        ("validate: [min:0]", "validate: [min:1950, max:as_of]"),
        (
            "type: date, required: bind}",
            "type: date, required: bind, validate: [not_before:as_of, not_after:2026-01-01]}",
        ),
        (CONDITION, "when: 'turnover >= 5 && turnover <= 5'"),
        (CONDITION, 'when: \'region == "SE" || region == "NO"\''),
        (CONDITION, 'when: \'region != "SE" && region != "NO"\''),
        (CONDITION, "when: 'opened > as_of'"),
        ("derived:\n", "derived:\n- {code: twice, value: turnover * 2, show: true}\n"),
    ],
)
def test_a_sound_part_is_not_warned_about(old: str, new: str) -> None:
    assert SOUND.count(old) == 1, old

    assert read_file(SOUND.replace(old, new)).warnings == []


def test_the_demo_has_no_warnings() -> None:
    assert read_file(CATALOGUE_FILE).warnings == []
