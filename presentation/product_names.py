"""What products are called on screens and in messages. Pure."""

from __future__ import annotations

from rules.definition.model import CompiledCatalogue


def carrier_and_line(catalogue: CompiledCatalogue, code: str) -> tuple[str, str]:
    """Return the carrier's name and the product's own, which is its line's where it has none."""
    known = catalogue.products.get(code)
    if known is None:
        return code, ""
    product = known.product
    carrier = next(
        (found.name for found in catalogue.definition.carriers if found.code == product.carrier), product.carrier
    )
    return carrier, product.label or known.line.line.label


def product_name(catalogue: CompiledCatalogue, code: str) -> str:
    """Return a product's name in one phrase."""
    return " ".join(filter(None, carrier_and_line(catalogue, code)))
