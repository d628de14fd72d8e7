"""The kind that requests quotes of many copies."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from batch.context import BatchContext
from batch.errors import BatchError
from operations.kinds.copy_kind import CopyItem, CopyKind, Done
from operations.kinds.kind import Work
from quoting.service import RequestedQuotes, request_quotes


class QuoteArguments(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The codes of the products to quote, by default all that are open at each copy."""

    products: Annotated[list[str], msgspec.Meta(min_length=1, max_length=100)] | None = None


class NothingToQuote(BatchError):
    """No product of the copy can be requested now."""

    code = "nothing_to_quote"

    def __init__(self, quotes: RequestedQuotes) -> None:
        reasons = "; ".join(f"{product}: {refusal.text}" for product, refusal in list(quotes.refused.items())[:3])
        super().__init__(f"No quote can be requested now. {reasons}".strip())


class Requote(CopyKind[CopyItem, QuoteArguments]):
    """Requests quotes."""

    code: ClassVar[str] = "requote"
    title: ClassVar[str] = "Request quotes"
    description: ClassVar[str] = (
        "Requests quotes from the carriers, and asks again where a quote is out of date, has expired or has failed."
    )
    arguments_type = QuoteArguments
    can_undo: ClassVar[bool] = False
    #: A carrier is called for each product; short chunks keep the calls of others waiting less.
    chunk_size: ClassVar[int] = 50

    def change(self, context: BatchContext, item: CopyItem, work: Work[QuoteArguments]) -> Done:
        """Queue the requests; the carriers are called after the save."""
        quotes = request_quotes(context, products=work.arguments.products)
        if not quotes.requested:
            raise NothingToQuote(quotes)
        refused = {product: refusal.code for product, refusal in sorted(quotes.refused.items())}
        requested = sorted(request.row.product for request in quotes.requested)
        return Done(result={"requested": requested, "refused": refused}, carrier_calls=len(requested))
