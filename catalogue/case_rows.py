"""Stores the golden cases of a catalogue's file, and returns a catalogue's cases as those of a file.

The cases of a file are added, or replace those with their names; other cases stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
from django.db import transaction

from catalogue.case_files import FileCase, write_cases
from catalogue.drafts import read_draft
from catalogue.file_writer import write_catalogue
from catalogue.golden_answers import plain_answers
from catalogue.golden_cases import MOST_CASES, TooManyCases, latest_id, renamed_document
from catalogue.models import Catalogue
from catalogue.models.golden_cases import AcceptedResult, GoldenCase
from rules.definition.catalogue import CatalogueDefinition


@dataclass(frozen=True, slots=True)
class CaseChanges:
    """What storing the cases of a file changes: the names of cases."""

    added: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        parts = [
            f"{len(names)} {text}"
            for names, text in ((self.added, "added"), (self.replaced, "replaced"), (self.same, "unchanged"))
            if names
        ]
        return ", ".join(parts) or "none"


def write_draft(catalogue: Catalogue) -> str:
    """Return the draft of ``catalogue`` and its golden cases as the text of a file."""
    draft = read_draft(catalogue)
    return write_catalogue(draft) + write_cases(file_cases(catalogue, draft))


def file_cases(catalogue: Catalogue, draft: CatalogueDefinition) -> list[FileCase]:
    """Return the golden cases of ``catalogue`` with the codes of its ``draft``, by name."""
    latest = latest_id(catalogue)
    return [_file_case(case, draft, latest=latest) for case in catalogue.golden_cases.all()]


def compare_cases(
    catalogue: Catalogue | None, draft: CatalogueDefinition, cases: Sequence[FileCase]
) -> CaseChanges:  # fmt: skip
    """Return what storing ``cases`` of the file with ``draft`` would change."""
    known = {case.name: case for case in file_cases(catalogue, draft)} if catalogue else {}
    changes = CaseChanges()
    for case in cases:
        before = known.get(case.name)
        place = changes.added if before is None else changes.same if before == _compared(case) else changes.replaced
        place.append(case.name)
    return changes


def load_cases(
    catalogue: Catalogue, draft: CatalogueDefinition, cases: Sequence[FileCase], *, actor_id: str
) -> CaseChanges:  # fmt: skip
    """Store ``cases`` of the file with ``draft``; a replaced expectation is recorded as accepted by ``actor_id``.

    Raises ``TooManyCases`` and stores nothing.
    """
    with transaction.atomic():
        locked = Catalogue.objects.select_for_update().get(pk=catalogue.pk)
        changes = compare_cases(locked, draft, cases)
        if locked.golden_cases.count() + len(changes.added) > MOST_CASES:
            raise TooManyCases
        rows = {row.name: row for row in locked.golden_cases.filter(name__in=changes.replaced)}
        for case in cases:
            if case.name in rows:
                _replace(rows[case.name], case, actor_id=actor_id)
        added = set(changes.added)
        GoldenCase.objects.bulk_create(
            GoldenCase(catalogue=locked, name=case.name, created_by_id=actor_id, **_fields(case))
            for case in cases
            if case.name in added
        )
    return changes


def _replace(row: GoldenCase, case: FileCase, *, actor_id: str) -> None:
    fields = _fields(case)
    if fields["expected"] != row.expected:
        AcceptedResult.objects.create(
            case=row, before=row.expected, after=fields["expected"], accepted_by_id=actor_id
        )  # fmt: skip
    GoldenCase.objects.filter(pk=row.pk).update(**fields)


def _fields(case: FileCase) -> dict[str, object]:
    """Return the columns of ``case``, whose codes are those of the draft until the next release."""
    return {
        "release": None,
        "note": case.note,
        "as_of": case.as_of,
        "left_out": [],
        "expected": msgspec.to_builtins(case.expect),
        **case.case_answers.plain,
    }


def _file_case(case: GoldenCase, draft: CatalogueDefinition, *, latest: int) -> FileCase:
    answers = plain_answers(renamed_document(case, draft, latest=latest))
    return _compared(
        FileCase(
            name=case.name,
            note=case.note,
            as_of=case.as_of,
            answers=answers["answers"],
            answer_pools=answers["answer_pools"],
            excluded=tuple(answers["excluded"]),
            expect=case.expectations,
        )
    )


def _compared(case: FileCase) -> FileCase:
    """Return ``case`` with its answers in the shape in which they are stored."""
    plain = case.case_answers.plain
    return msgspec.structs.replace(
        case, answers=plain["answers"], answer_pools=plain["answer_pools"], excluded=tuple(plain["excluded"])
    )
