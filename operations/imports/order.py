"""The order of an import: the items of a file's rows, checked and stored as every other operation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import msgspec

from catalogue import releases
from operations.imports.files import read_file
from operations.imports.limits import MOST_ROWS
from operations.imports.preview import mapping_of
from operations.imports.rows import mapped_row
from operations.imports.table import FileRow, ImportFile
from operations.kinds.import_forms import ImportForms
from operations.kinds.kind import Refusal
from operations.submission.order import NewOperation, Options


class ImportRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters of an import. Without ``mapping`` the names of the columns decide; without ``catalogue`` it is
    the tenant's.
    """

    mapping: dict[str, str | None] | None = None
    catalogue: str = ""
    options: Options = Options()
    title: str = ""
    depends_on: UUID | None = None


def import_order(content: bytes, request: ImportRequest, *, catalogue: str) -> NewOperation:
    """Return the order to import the file ``content``; ``catalogue`` is the tenant's. Its items are read one by one.

    Raises ``ImportRefused``, ``NoRelease``, here or while the items are read.
    """
    file = read_file(content)
    return NewOperation(
        kind=ImportForms.code,
        items=_items(file, request.mapping, request.catalogue or catalogue),
        arguments={"catalogue": request.catalogue},
        options=request.options,
        title=request.title,
        depends_on=request.depends_on,
        most_items=MOST_ROWS,
    )


def _items(
    file: ImportFile, given: Mapping[str, str | None] | None, catalogue: str
) -> Iterator[Mapping[str, Any] | Refusal]:  # fmt: skip
    compiled = releases.current(catalogue).compiled
    mapping = mapping_of(file, given, compiled)
    for row in file.rows():
        refusal = _refused(row, set(mapping.targets))
        if refusal is not None:
            yield refusal
            continue
        item = mapped_row(row, mapping, compiled).item
        detail = f"Row {row.number:,}: None of its cells is in a column that is imported."
        yield item or Refusal(code="empty_row", detail=detail)


def _refused(row: FileRow, mapped: set[str]) -> Refusal | None:
    """Return the refusal of a row with faults in the columns that are imported, or as a whole."""
    faults = [fault for fault in row.faults if not fault.column or fault.column in mapped]
    if not faults:
        return None
    first = f"{faults[0].column}: {faults[0].detail}" if faults[0].column else faults[0].detail
    return Refusal(
        code=faults[0].code,
        detail=f"Row {row.number:,}: {first}",
        errors=tuple({"path": fault.column, "code": fault.code, "detail": fault.detail} for fault in faults),
    )
