"""``was`` in a catalogue: read, written, edited as drafts, and checked against itself and earlier releases."""
# ruff: noqa: E501 - the tables of wrong files read line by line

from __future__ import annotations

import pytest

from catalogue import releases
from catalogue.drafts import read_draft
from catalogue.files import read_catalogue, write_catalogue
from catalogue.loader import load
from catalogue.release_history import renames_between
from rules.definition.faults import CatalogueErrors
from rules.definition.renames import Moved
from tests.harness.boarding_files import BOARDING


def edited(*edits: tuple[str, str], text: str = BOARDING) -> str:
    for old, new in edits:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def faults_of(text: str) -> list[tuple[str, str]]:
    with pytest.raises(CatalogueErrors) as caught:
        read_catalogue(text)
    return [(fault.code, fault.where) for fault in caught.value.faults]


QUESTION = ("{code: opened,", "{code: opened_on, was: opened,")
OPENED = "question_sets[start].questions[opened_on].was"


def test_old_codes_are_read_and_written() -> None:
    text = edited(QUESTION, ("- code: kennels\n", "- code: run_set\n  was: kennels\n"))

    definition = read_catalogue(text)

    assert [part.was for part in definition.question_sets] == ["", "kennels"]
    assert {question.was for part in definition.question_sets for question in part.questions} == {"", "opened"}
    assert read_catalogue(write_catalogue(definition)) == definition


def test_the_old_code_of_a_choice_is_written_at_the_choice() -> None:
    text = edited(("large: Over 10 kg", "big: {was: large, label: Over 10 kg}"), ("large: 6.5", "big: 6.5"))

    definition = read_catalogue(text)

    assert definition.choices["sizes"]["big"] == "Over 10 kg"
    assert definition.choices_were == {"sizes": {"big": "large"}}
    written = write_catalogue(definition)
    assert "big: {label: Over 10 kg, was: large}" in written
    assert read_catalogue(written) == definition


@pytest.mark.django_db
def test_drafts_keep_old_codes() -> None:
    definition = read_catalogue(
        edited(
            QUESTION,
            ("- code: kennels\n", "- code: run_set\n  was: kennels\n"),
            ("{code: runs, ", "{code: runs, was: cages, "),
            ("sizes: {small:", "sizes: {tiny: {label: Tiny, was: dwarf}, small:"),
        )
    )

    assert read_draft(load(definition)) == definition


@pytest.mark.parametrize(
    ("edits", "faults"),
    [
        (
            [("{code: opened,", "{code: opened, was: opened,")],
            [("rename_cycle", OPENED.replace("opened_on", "opened"))],
        ),
        ([("{code: opened,", "{code: opened, was: trade,")], [("rename_clash", OPENED.replace("opened_on", "opened"))]),
        (
            [("{code: opened,", "{code: opened, was: places,")],
            [("rename_clash", OPENED.replace("opened_on", "opened"))],
        ),
        (
            [("{code: opened,", "{code: opened, was: trade,"), ("{code: trade,", "{code: trade, was: opened,")],
            [
                ("rename_cycle", "question_sets[start].questions[trade].was"),
                ("rename_cycle", "question_sets[start].questions[opened].was"),
            ],
        ),
        (
            [("{code: opened,", "{code: opened, was: trade,"), ("{code: trade,", "{code: trade, was: business,")],
            [("rename_chain", "question_sets[start].questions[opened].was")],
        ),
        (
            [("{code: opened,", "{code: opened, was: old,"), ("{code: trade,", "{code: trade, was: old,")],
            [
                ("rename_clash", "question_sets[start].questions[trade].was"),
                ("rename_clash", "question_sets[start].questions[opened].was"),
            ],
        ),
        ([("- code: kennels\n", "- code: kennels\n  was: start\n")], [("rename_clash", "question_sets[kennels].was")]),
        ([("{code: runs, ", "{code: runs, was: trade, ")], [("rename_clash", "question_sets[kennels].pool.was")]),
        (
            [("sizes: {small:", "sizes: {tiny: {label: Tiny, was: small}, small:")],
            [("rename_clash", "choices[sizes][tiny]")],
        ),
        ([("sizes: {small:", "sizes: {tiny: {was: dwarf}, small:")], [("missing_key", "choices[sizes][tiny]")]),
        (
            [("sizes: {small:", "sizes: {tiny: {label: Tiny, wass: dwarf}, small:")],
            [("unknown_key", "choices[sizes][tiny].wass")],
        ),
        ([("derived:\n", "choices_were: {sizes: {small: dwarf}}\nderived:\n")], [("unknown_key", "choices_were")]),
    ],
)
def test_contradicting_renames_are_refused(edits: list[tuple[str, str]], faults: list[tuple[str, str]]) -> None:
    assert faults_of(edited(*edits)) == faults


@pytest.fixture
def _published(db: None) -> None:
    releases.forget_compiled_releases()
    releases.publish(load(read_catalogue(BOARDING)), actor_id="tester")


def publish(text: str) -> releases.Release:
    return releases.publish(load(read_catalogue(text)), actor_id="tester")


@pytest.mark.parametrize(
    ("edits", "fault"),
    [
        ([("{code: opened,", "{code: opened_on, was: opend,")], ("unknown_question", OPENED)),
        ([("{code: runs, ", "{code: runs, was: cages, ")], ("unknown_pool", "question_sets[kennels].pool.was")),
        ([("- code: kennels\n", "- code: kennels\n  was: cages\n")], ("unknown_question_set", "question_sets[kennels].was")),
        (
            [("sizes: {small:", "sizes: {tiny: {label: Tiny, was: dwarf}, small:")],
            ("unknown_choice", "choices[sizes][tiny]"),
        ),
        ([("{code: opened, label: Opened on, type: date", "{code: opened_on, was: opened, label: Opened on, type: text")],
         ("type_error", OPENED)),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("_published")
def test_renames_of_what_no_release_had_are_refused_at_publishing(
    edits: list[tuple[str, str]], fault: tuple[str, str]
) -> None:
    with pytest.raises(CatalogueErrors) as caught:
        publish(edited(*edits))

    assert [(found.code, found.where) for found in caught.value.faults] == [fault]


@pytest.mark.usefixtures("_published")
def test_a_question_cannot_follow_into_another_place() -> None:
    question = "  - {code: run_since, was: opened, label: Since, type: date}\n  - {code: run_name,"
    lines = edited(("  - {code: run_name,", question)).splitlines()

    with pytest.raises(CatalogueErrors) as caught:
        publish("\n".join(line for line in lines if "code: opened," not in line))

    assert [fault.code for fault in caught.value.faults] == ["wrong_place"]


@pytest.mark.usefixtures("_published")
def test_old_codes_may_stay_in_later_releases() -> None:
    first = releases.current("pet_boarding").id
    text = edited(QUESTION)
    second = publish(text)
    third = publish(text.replace("title: Boarding of pets", "title: Boarding of cats"))

    (renames,) = renames_between(first, second.id)
    assert renames.questions == {"opened": Moved("opened_on", "")}
    assert len(renames_between(first, third.id)) == 2
    assert len(renames_between(second.id, third.id)) == 1
    assert renames_between(third.id, first) == renames_between(third.id, third.id) == ()
    assert renames_between(first, 10**6) == ()


@pytest.mark.django_db
def test_the_first_release_may_name_old_codes_of_another_installation() -> None:
    assert publish(edited(QUESTION)).number == 1
