"""Golden cases travel with a catalogue's file: read, checked, stored, followed, and written again."""

from __future__ import annotations

from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from catalogue.case_files import FileCase, write_cases
from catalogue.case_rows import file_cases, load_cases, write_draft
from catalogue.demo import DEMO_FOLDER
from catalogue.drafts import read_draft
from catalogue.files import read_file, write_catalogue
from catalogue.golden_cases import TooManyCases, run_cases
from catalogue.loader import load
from catalogue.models import AcceptedResult, Catalogue, GoldenCase
from catalogue.packages.contents import Expected
from catalogue.releases import publish
from catalogue.strict_check import check_catalogue
from rules.definition.faults import CatalogueErrors
from tests.harness.kennel_catalogue import KENNELS
from tests.harness.later_releases import renamed

ANSWERS: dict[str, Any] = {
    "lines": ["care"], "state": "TX", "trade": "812910", "has_cats": True, "cat_count": 60,
}  # fmt: skip
HOUSES = {"houses": [{"answers": {"runs": 20}, "answer_pools": {}}]}
SMALL = FileCase(
    name="A small kennel",
    as_of=date(2026, 6, 1),
    answers=ANSWERS,
    answer_pools=HOUSES,
    note="The minimum premium",
    expect={"PA-CARE": Expected(outcome="eligible", premium=300), "WO-CARE": Expected(outcome="locked")},
)


def text_with(*cases: FileCase) -> str:
    return write_catalogue(KENNELS) + write_cases(cases)


def stored(*cases: FileCase) -> Catalogue:
    """Store the file with ``cases`` as a draft."""
    file = read_file(text_with(*cases))
    catalogue = load(file.definition)
    load_cases(catalogue, file.definition, file.cases, actor_id="tester")
    return catalogue


def test_cases_are_read_as_they_are_written_and_are_no_part_of_the_definition() -> None:
    file = read_file(text_with(SMALL))

    assert file.cases == (SMALL,)
    assert file.definition == KENNELS


@pytest.mark.parametrize("name", ["catalogue", "commercial_package", "cyber"])
def test_the_cases_of_the_demo_catalogues_are_decided_as_expected(name: str, db: None) -> None:
    file = read_file(DEMO_FOLDER / f"{name}.yaml")
    catalogue = load(file.definition)

    load_cases(catalogue, file.definition, file.cases, actor_id="tester")

    runs = run_cases(catalogue, check_catalogue(file.definition).compiled)
    assert len(runs) == len(file.cases) > 2
    assert [str(one) for run in runs for one in run.differences] == []


@pytest.mark.parametrize(
    ("lines", "where", "text"),
    [
        ("golden_cases: {a: b}", "golden_cases", "Golden cases are a list."),
        ("golden_cases:\n- {name: A}", "golden_cases[A]", "missing required field"),
        ("golden_cases:\n- 7", "golden_cases[0]", "Expected `object`"),
        ("{ok}\n- {{name: A  small kennel, as_of: 2026-06-01, answers: {{}}, expect: {{}}}}", "golden_cases[A small",
         "Two golden cases"),
        ("golden_cases:\n- {name: A, as_of: 2026-06-01, answers: {cat_count: .inf}, expect: {}}", "golden_cases[A]",
         "finite numbers"),
        ('golden_cases:\n- {name: "A\\0", as_of: 2026-06-01, answers: {}, expect: {}}', "golden_cases[", "control"),
        ("golden_cases:\n- {name: A, as_of: 2026-06-01, answers: {owner_ssn: 1}, expect: {}}", "golden_cases[A]",
         "no personal answers, free texts and unknown questions: owner_ssn."),
        ("golden_cases:\n- {name: A, as_of: 2026-06-01, answers: {nothing: 1}, expect: {}}", "golden_cases[A]",
         "unknown questions: nothing."),
        ("golden_cases:\n- {name: A, as_of: 2026-06-01, answers: {cat_count: {a: 1}}, expect: {}}", "golden_cases[A]",
         "Expected"),
    ],
)  # fmt: skip
def test_a_faulty_case_is_reported_at_its_line_with_the_other_faults(lines: str, where: str, text: str) -> None:
    definition = write_catalogue(KENNELS)
    written = lines.format(ok=write_cases([SMALL]).rstrip()) if "{ok}" in lines else lines

    with pytest.raises(CatalogueErrors) as raised:
        read_file(definition + written)

    [fault] = raised.value.faults
    assert fault.code == "bad_golden_case"
    assert fault.where.startswith(where)
    assert text in fault.text
    assert (fault.line or 0) > definition.count("\n")


def test_a_file_adds_and_replaces_cases_and_keeps_others(db: None) -> None:
    other = replaced(name="Another")
    catalogue = stored(SMALL, other)
    dearer = replaced(expect={"PA-CARE": Expected(outcome="eligible", premium=310)})

    changes = load_cases(catalogue, KENNELS, [dearer, replaced(name="A third")], actor_id="tester")

    assert (changes.added, changes.replaced, changes.same) == (["A third"], ["A small kennel"], [])
    assert {case.name for case in GoldenCase.objects.all()} == {"A small kennel", "Another", "A third"}
    [order] = AcceptedResult.objects.all()
    assert (order.case.name, order.accepted_by_id) == ("A small kennel", "tester")
    assert (order.before["PA-CARE"]["premium"], order.after["PA-CARE"]["premium"]) == (300, 310)
    assert str(load_cases(catalogue, KENNELS, [dearer], actor_id="tester")) == "1 unchanged"


def replaced(**changes: Any) -> FileCase:
    fields = {name: getattr(SMALL, name) for name in SMALL.__struct_fields__}
    return FileCase(**{**fields, **changes})


def test_a_case_of_a_file_must_pass_before_the_first_release_and_follows_later_renames(db: None) -> None:
    catalogue = stored(replaced(expect={"PA-CARE": Expected(outcome="decline")}))
    with pytest.raises(CatalogueErrors) as raised:
        publish(catalogue, actor_id="tester")
    assert {fault.code for fault in raised.value.faults} == {"golden_case"}
    load_cases(catalogue, KENNELS, [SMALL], actor_id="tester")

    first = publish(catalogue, actor_id="tester")

    [case] = GoldenCase.objects.all()
    assert case.release_id == first.pk
    later = load(renamed({"cat_count": "cats"}))
    assert [run.passes for run in run_cases(later, check_catalogue(read_draft(later)).compiled)] == [True]
    [written] = file_cases(later, read_draft(later))
    assert written.answers == {**{code: ANSWERS[code] for code in ANSWERS if code != "cat_count"}, "cats": 60}
    file = read_file(write_draft(later))
    assert file.cases == (written,)
    assert str(load_cases(later, file.definition, file.cases, actor_id="tester")) == "1 unchanged"


def test_a_case_of_a_file_that_equals_the_release_has_its_codes(db: None) -> None:
    release = publish(load(KENNELS), actor_id="tester")
    catalogue = stored(SMALL)

    assert publish(catalogue, actor_id="tester").pk == release.pk

    assert GoldenCase.objects.get().release_id == release.pk


def test_more_cases_than_a_catalogue_can_have_are_refused(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalogue.case_rows.MOST_CASES", 1)
    catalogue = load(KENNELS)

    with pytest.raises(TooManyCases):
        load_cases(catalogue, KENNELS, [SMALL, replaced(name="Another")], actor_id="tester")

    assert not GoldenCase.objects.exists()


def test_the_commands_carry_the_cases(db: None, tmp_path: Path) -> None:
    path = tmp_path / "kennels.yaml"
    path.write_text(text_with(SMALL), encoding="utf-8")
    out = StringIO()

    call_command("load_catalogue", path, stdout=out)
    call_command("export_catalogue", "kennels", output=tmp_path / "again.yaml")

    assert "Golden cases in the file: 1 (1 added)." in out.getvalue()
    assert (tmp_path / "again.yaml").read_text(encoding="utf-8") == text_with(SMALL)
