"""The handlers of quoting, and the service that calls carriers."""

from __future__ import annotations

from actions.kinds import (
    CancelQuoteRequest,
    ImportCarrierMessage,
    MarkQuotesStale,
    RefreshQuoteRequest,
    SubmitQuoteRequest,
)
from actions.registry import handles
from actions.sweeps import service
from carriers.links.wire import QuoteUpdated
from quoting import cancellation, importing, polling, submission
from quoting.carrier_actions import carrier_action
from quoting.dispatcher import DATABASE_THREADS, dispatch
from quoting.staleness import mark_quotes_stale

handles(MarkQuotesStale)(mark_quotes_stale)
carrier_action(SubmitQuoteRequest, budget=submission.BUDGET)(submission.Submission)
carrier_action(RefreshQuoteRequest, budget=polling.BUDGET)(polling.Refreshment)
carrier_action(CancelQuoteRequest, budget=cancellation.BUDGET)(cancellation.Cancellation)
carrier_action(ImportCarrierMessage, budget=importing.BUDGET)(importing.MessageImportation)
importing.imports(QuoteUpdated)(importing.import_updated_quote)
service("carriers", connections=DATABASE_THREADS)(dispatch)
