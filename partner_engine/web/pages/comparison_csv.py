"""The comparison of copies as CSV, for spreadsheets. Pure.

UTF-8 with a byte order mark, which spreadsheets need to tell the encoding.
"""

from __future__ import annotations

from collections.abc import Iterator

from partner_engine.web.pages.comparison import ComparisonPage
from presentation.csv_cells import BYTE_ORDER_MARK, csv_bytes


def comparison_csv(page: ComparisonPage, *, insured: str, agency: str, day: str, note: str) -> bytes:
    """Return ``page`` as CSV: a head, the products, then the questions that differ."""
    return BYTE_ORDER_MARK + csv_bytes(_rows(page, insured=insured, agency=agency, day=day, note=note))


def _rows(page: ComparisonPage, *, insured: str, agency: str, day: str, note: str) -> Iterator[list[str]]:
    titles = [column.title for column in page.columns]
    yield ["Insured", insured]
    yield ["Agency", agency]
    yield ["Date", day]
    yield ["Note", note]
    yield []
    yield ["Carrier", "Product", *titles, *(f"Difference of {title}" for title in titles[1:]), "Because of"]
    for product in page.products:
        because = "; ".join(
            ": ".join(filter(None, (found.copy, " ".join(filter(None, (found.text, found.detail))))))
            for found in product.because
        )
        prices = [cell.badge if cell.premium is None else str(cell.premium) for cell in product.cells]
        changes = ["" if cell.change is None else str(cell.change) for cell in product.cells[1:]]
        yield [product.carrier, product.name, *prices, *changes, because]
    yield []
    yield ["Question", "Place", *titles, "Changed by", "Effect (our estimate)"]
    for question in page.questions:
        texts = [cell.text for cell in question.cells]
        yield [question.label, question.place, *texts, "; ".join(question.changed), "; ".join(question.effects)]
