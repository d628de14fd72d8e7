"""The effects of a supposition as lines of a file: NDJSON with one copy a line, CSV with one product a line. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Final, Literal, TypeAlias

import msgspec

from decisions.copy_effect import CopyEffect, ProductEffect

RowFormat: TypeAlias = Literal["ndjson", "csv"]
_COLUMNS: Final = (
    "copy", "form", "tenant", "error", "product", "outcome_before", "outcome_after", "premium_before", "premium_after",
    "moved", "state", "industry", "causes", "reasons", "hidden", "shown", "stale_quotes",
)  # fmt: skip
#: A cell that begins like this is a formula to a spreadsheet.
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


def csv_header() -> str:
    """Return the first line of the CSV."""
    return _line(_COLUMNS)


def csv_lines(effect: CopyEffect) -> str:
    """Return one line for each product of a copy that is different; one line where only other things are."""
    parts: tuple[ProductEffect | None, ...] = effect.products or (None,)
    return "".join(_csv_line(effect, part) for part in parts)


def ndjson_line(effect: CopyEffect) -> str:
    """Return a copy as one line of JSON."""
    return f"{msgspec.json.encode(effect).decode()}\n"


LINES: Final[dict[RowFormat, Callable[[CopyEffect], str]]] = {"ndjson": ndjson_line, "csv": csv_lines}


def _csv_line(effect: CopyEffect, part: ProductEffect | None) -> str:
    of_product: tuple[object, ...] = ("",) * 9
    if part is not None:
        causes = "; ".join(f"{cause}: {amount:+}" for cause, amount in part.causes.items())
        of_product = (
            part.product, part.before, part.after, part.premium_before, part.premium_after, part.moved, part.state,
            part.industry, causes,
        )  # fmt: skip
    return _line(
        (
            effect.id, effect.form_id, effect.tenant_id, effect.error, *of_product,
            " ".join(part.reasons) if part is not None else "",
            " ".join(effect.hidden), " ".join(effect.shown), " ".join(effect.stale),
        )
    )  # fmt: skip


def _line(cells: tuple[object, ...]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerow([_cell(cell) for cell in cells])
    return written.getvalue()


def _cell(value: object) -> object:
    """Return ``value``; a text that a spreadsheet would run is quoted, numbers stay numbers."""
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return "" if value is None else value
