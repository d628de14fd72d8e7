"""The preview of an imported file: its columns with their targets, and the first rows as they would be judged.

Nothing is stored. Cells are masked as in the rest of the product; those of unmapped columns are left out,
because nothing is known of their sensitivity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, Final
from uuid import UUID

import msgspec
from uuid_utils.compat import uuid7

from batch import service as batch
from batch.changes.submission import submit_answers
from batch.context import BatchContext
from batch.errors import InvalidAnswers
from batch.new_copies import NewForm
from batch.save import Fault as SaveFault
from catalogue import releases
from operations.imports.mapping import ColumnMapping, Suggestion, Targets, check_mapping, suggest, suggested_mapping
from operations.imports.rows import MappedRow, mapped_row
from operations.imports.stored_mappings import proposed_names
from operations.imports.table import FileRow, ImportFile
from operations.kinds.copy_kind import moved_between
from operations.kinds.import_forms import ImportArguments, ImportForms, ImportItem, name_form
from operations.kinds.refusals import refusal_of
from presentation.faults import Fault
from presentation.shape_faults import faults_of
from presentation.visibility import Reader, Visibility
from rules.definition.model import CompiledCatalogue
from tenants.access import Actor
from tenants.models import Tenant

#: The number of rows that are judged.
SHOWN_ROWS: Final = 20
_MOST_FAULTS: Final = 20


class PreviewColumn(msgspec.Struct, frozen=True, kw_only=True):
    """A column with its target, null for one that is not imported. ``how`` says why the target was chosen: by
    ``mapping``, ``code``, ``label``, ``name``; a ``similar`` one is only suggested and has to be mapped by you.
    ``candidates`` are the targets of an ambiguous or similar name.
    """

    column: str
    target: str | None
    label: str
    how: str
    candidates: list[str]


class CellFault(msgspec.Struct, frozen=True, kw_only=True):
    """The fault of a cell, or of the row (``column`` empty); ``target`` is the path of the answer."""

    column: str
    target: str
    code: str
    detail: str


class PreviewRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row as a spreadsheet numbers it: its cells by column, its faults, and what the products would say."""

    number: int
    cells: dict[str, Any]
    errors: list[CellFault]
    eligibility: dict[str, Any]


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """A file before it is imported. ``notes`` are sentences such as a guessed encoding; ``saved_mappings`` names those
    for files with the same columns.
    """

    format: str
    encoding: str
    delimiter: str
    sheet: str
    notes: list[str]
    total: int
    columns: list[PreviewColumn]
    unmapped: list[str]
    rows: list[PreviewRow]
    saved_mappings: list[str]


def mapping_of(
    file: ImportFile, given: Mapping[str, str | None] | None, catalogue: CompiledCatalogue
) -> ColumnMapping:  # fmt: skip
    """Return the mapping that was sent, or without one the mapping that the names of the columns suggest for sure.

    Raises ``InvalidMapping``.
    """
    targets = Targets(catalogue)
    return suggested_mapping(file.columns, targets) if given is None else check_mapping(given, file.columns, targets)


def preview(
    file: ImportFile, given: Mapping[str, str | None] | None, *, catalogue: str, tenant: Tenant, actor: Actor
) -> Preview:  # fmt: skip
    """Return the preview of ``file`` under the mapping ``given`` and the current release of ``catalogue`` (by default
    the tenant's); reads the whole file. Raises ``ImportRefused``, ``NoRelease``.
    """
    code = catalogue or tenant.catalogue
    compiled = releases.current(code, tenant_id=tenant.id).compiled
    mapping = mapping_of(file, given, compiled)
    total = file.count()
    rows = list(islice(file.rows(), SHOWN_ROWS))
    judged = _Judge(mapping, compiled, catalogue=code, tenant=tenant, actor=actor).judge(rows)
    return Preview(
        format=file.format,
        encoding=file.encoding,
        delimiter=file.delimiter,
        sheet=file.sheet,
        notes=list(file.notes),
        total=total,
        columns=_columns(file, mapping, Targets(compiled), is_given=given is not None),
        unmapped=list(mapping.unmapped),
        rows=judged,
        saved_mappings=proposed_names(file.columns, catalogue=code, tenant=tenant),
    )


def _columns(
    file: ImportFile, mapping: ColumnMapping, targets: Targets, *, is_given: bool
) -> list[PreviewColumn]:  # fmt: skip
    return [_column(one, mapping, targets, is_given=is_given) for one in suggest(file.columns, targets)]


def _column(one: Suggestion, mapping: ColumnMapping, targets: Targets, *, is_given: bool) -> PreviewColumn:
    target = mapping.targets.get(one.column)
    others = [found for found in (one.target, *one.candidates) if found is not None and found != target]
    return PreviewColumn(
        column=one.column,
        target=str(target) if target else None,
        label=targets.label(target) if target else "",
        how="mapping" if is_given and target else one.how,
        candidates=[str(found) for found in others],
    )


class _Judge:
    """Judges rows as an import would, without saving."""

    def __init__(
        self, mapping: ColumnMapping, compiled: CompiledCatalogue, *, catalogue: str, tenant: Tenant, actor: Actor
    ) -> None:  # fmt: skip
        self._mapping = mapping
        self._compiled = compiled
        self._catalogue = catalogue
        self._tenant = tenant
        self._actor = actor
        self._visibility = Visibility(compiled, Reader.for_actor(actor))

    def judge(self, rows: Sequence[FileRow]) -> list[PreviewRow]:
        """Return ``rows`` with their cells, faults and outcomes."""
        mapped = [mapped_row(row, self._mapping, self._compiled) for row in rows]
        faults: list[list[CellFault]] = [self._cell_faults(row) for row in rows]
        items = {uuid7(): number for number in range(len(rows))}
        read: dict[UUID, ImportItem] = {}
        for key, number in items.items():
            item = self._read(mapped[number], faults[number])
            if item is not None:
                read[key] = item
        outcomes: dict[int, dict[str, Any]] = {}
        starts = {key: self._start(item) for key, item in read.items()}
        with batch.build_many(starts, scope=self._tenant, actor=self._actor) as chunk:

            def change(key: UUID, context: BatchContext) -> None:
                item = read[key]
                name_form(context.changeset, item)
                submit_answers(context.changeset, item.answers, item.answer_pools)
                result = context.preview()
                eligibility = moved_between(result.before, result.evaluation)
                outcomes[items[key]] = {product: moved["after"] for product, moved in eligibility.items()}

            chunk.apply_each(change)
            for key, error in chunk.errors.items():
                faults[items[key]] += self._faults_of(mapped[items[key]], error)
        return [
            PreviewRow(
                number=row.number,
                cells=self._cells(row),
                errors=faults[place],
                eligibility=outcomes.get(place, {}),
            )
            for place, row in enumerate(rows)
        ]

    def _start(self, item: ImportItem) -> NewForm:
        return NewForm(title=item.title, as_of=item.as_of, catalogue=item.catalogue or self._catalogue)

    def _read(self, row: MappedRow, faults: list[CellFault]) -> ImportItem | None:
        """Return the item of ``row``; put the reason for a missing one into ``faults``."""
        try:
            item = msgspec.convert(row.item, ImportItem)
        except msgspec.ValidationError:
            shapes = islice(faults_of(row.item, ImportItem), _MOST_FAULTS)
            faults += [self._cell_fault(row, fault.pointer, fault.code, fault.detail) for fault in shapes]
            return None
        (refusal,) = ImportForms().refusals([item], ImportArguments(), tenant=self._tenant, actor=self._actor)
        if refusal is None:
            return item
        faults.append(CellFault(column="", target="", code=refusal.code, detail=refusal.detail))
        return None

    def _cells(self, row: FileRow) -> dict[str, Any]:
        shown = {}
        for column, cell in row.cells.items():
            target = self._mapping.targets.get(column)
            if target is not None:
                shown[column] = cell if target.is_field else self._visibility.shown(target.code, cell)
        return shown

    def _cell_faults(self, row: FileRow) -> list[CellFault]:
        return [
            CellFault(column=fault.column, target="", code=fault.code, detail=fault.detail)
            for fault in row.faults
            if not fault.column or row.item is not None or fault.column in self._mapping.targets
        ]

    def _faults_of(self, row: MappedRow, error: SaveFault) -> list[CellFault]:
        if isinstance(error, InvalidAnswers):
            return [self._cell_fault(row, fault.pointer, fault.code, fault.text) for fault in error.faults]
        refusal = refusal_of(error)
        return [CellFault(column="", target="", code=refusal.code, detail=refusal.detail)]

    def _cell_fault(self, row: MappedRow, pointer: str, code: str, detail: str) -> CellFault:
        column = row.column_of(pointer)
        target = self._mapping.targets.get(column)
        return CellFault(column=column, target=str(target) if target else pointer, code=code, detail=detail)


__all__ = ["Fault", "Preview", "mapping_of", "preview"]
