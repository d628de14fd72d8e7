"""Who reads the answer to a question: products with what they use it for, and the questions that it shows. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final

from presentation.formats import listed
from presentation.product_names import product_name
from rules.definition.model import CHECKS, RATING, CompiledCatalogue, CompiledDerived, CompiledQuestion, CompiledSet

#: The use of a question that only some products ask.
OWN: Final = "its own question"


def readers_of(catalogue: CompiledCatalogue, code: str) -> Iterator[str]:
    """Yield who reads the answer to a question: products with what they use it for, then the questions that it shows.

    An answer that is read by a derived value is read by its readers too.
    """
    for product, uses in product_readers(catalogue, code).items():
        yield reader_text(catalogue, product, uses)
    if shown := shown_by(catalogue, code):
        yield f"Shows {listed(shown)}"


def product_readers(catalogue: CompiledCatalogue, code: str) -> Mapping[str, frozenset[str]]:
    """Return the products that read the answer to a question with its uses, in the order of the catalogue."""
    found: dict[str, set[str]] = defaultdict(set)
    for read in _with_derived(catalogue, code):
        readers = catalogue.dependents.readers.get(read)
        for product, places in readers.products.items() if readers else ():
            found[product] |= {_use(part) for part in places}
    for gate in catalogue.questions[code].gates:
        found[gate.product.product.code].add(OWN)
    return {product: frozenset(found[product]) for product in catalogue.products if product in found}


def reader_text(catalogue: CompiledCatalogue, product: str, uses: frozenset[str]) -> str:
    """Return the name of a product with what it uses an answer for: ``Quillmark Mutual Cyber (price and rules)``."""
    return f"{product_name(catalogue, product)} ({listed(sorted(uses))})"


def shown_by(catalogue: CompiledCatalogue, code: str) -> list[str]:
    """Return the names of the groups and questions that the answer to a question shows or hides."""
    found: dict[str, None] = {}
    for read in _with_derived(catalogue, code):
        readers = catalogue.dependents.readers.get(read)
        for reader in readers.steps if readers else ():
            step = catalogue.steps[reader.place]
            if isinstance(step, CompiledSet):
                found[f"the group {step.question_set.title}"] = None
            elif isinstance(step, CompiledQuestion):
                found[f"“{step.question.label}”"] = None
    return list(found)


def _with_derived(catalogue: CompiledCatalogue, code: str) -> list[str]:
    """Return ``code`` and the derived values that are made of it."""
    found = [code]
    for read in found:
        readers = catalogue.dependents.readers.get(read)
        steps = [catalogue.steps[reader.place] for reader in readers.steps] if readers else []
        found += [
            step.derived.code for step in steps if isinstance(step, CompiledDerived) and step.derived.code not in found
        ]
    return found


def _use(part: int) -> str:
    return {CHECKS: "whether it is offered", RATING: "price"}.get(part, "rules")
