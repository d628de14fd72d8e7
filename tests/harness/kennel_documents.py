"""Kennel documents that are decided without a database, as copies of a book."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from copies.codec import encode, encode_document
from decisions.copy_effect import BookCopy
from decisions.decide_many import StoredCopy
from decisions.supposition import DraftRelease
from rules.definition.catalogue import CatalogueDefinition
from rules.definition.compiler import compile_catalogue
from tests.harness.boarding_catalogue import AS_OF, document, settle
from tests.harness.kennel_book import kennel_forms


def compiled_release(definition: CatalogueDefinition, identity: int = 0) -> DraftRelease:
    """Return a release that is not stored."""
    return DraftRelease(compiled=compile_catalogue(definition), id=identity)


def kennel_documents(release: DraftRelease, count: int, *, seed: int = 1) -> Iterator[BookCopy]:
    """Yield ``count`` copies that ``release`` decided."""
    for number, (answers, pools) in enumerate(kennel_forms(count, seed=seed)):
        made = document({**answers, **{code: [row["answers"] for row in rows] for code, rows in pools.items()}})
        evaluation = settle(release.compiled, made)
        copy = StoredCopy(
            id=UUID(int=number),
            tenant_id=UUID(int=1),
            as_of=AS_OF,
            document=encode_document(made),
            evaluation=encode(evaluation),
        )
        yield BookCopy(copy=copy, form_id=UUID(int=number), is_present=True, lines=tuple(answers["lines"]))
