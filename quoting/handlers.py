"""The handlers of quoting, and the service that calls carriers."""

from __future__ import annotations

from actions.kinds import (
    BindQuoteRequest,
    BridgeToCarrier,
    CancelQuoteRequest,
    EvaluateRealTimeEligibility,
    ExpireQuotes,
    ImportCarrierMessage,
    MarkQuotesStale,
    RecordDeclination,
    RefreshQuoteRequest,
    SubmitQuoteRequest,
    WithdrawQuotesOfLine,
)
from actions.maintenance import hourly, retention
from actions.registry import Budget, handles
from actions.sweeps import service
from batch.processes.runner import WORKS
from carriers.links.wire import BindingUpdated, QuoteUpdated
from quoting import (
    binding_call,
    bridging,
    cancellation,
    expiry,
    importing,
    message_queue,
    polling,
    real_time,
    submission,
)
from quoting.binding import BIND_ASSISTANCE, wait_for_help
from quoting.bound_lines import withdraw_quotes_of_line
from quoting.carrier_actions import carrier_action
from quoting.decline_exports import record_declination
from quoting.dispatcher import DATABASE_THREADS, dispatch
from quoting.staleness import mark_quotes_stale
from tenants.models import Tenant

handles(MarkQuotesStale)(mark_quotes_stale)
#: A proof must not be lost: it is tried for about two days.
handles(RecordDeclination, budget=Budget(tries=60))(record_declination)
handles(BridgeToCarrier, budget=bridging.BUDGET)(bridging.record_bridge)
handles(ExpireQuotes, budget=expiry.BUDGET)(expiry.expire_quotes)
carrier_action(SubmitQuoteRequest, budget=submission.BUDGET)(submission.Submission)
carrier_action(RefreshQuoteRequest, budget=polling.BUDGET)(polling.Refreshment)
carrier_action(CancelQuoteRequest, budget=cancellation.BUDGET)(cancellation.Cancellation)
carrier_action(EvaluateRealTimeEligibility, budget=real_time.BUDGET)(real_time.RealTimeEvaluation)
carrier_action(BindQuoteRequest, budget=binding_call.BUDGET)(binding_call.Binding)
carrier_action(ImportCarrierMessage, budget=importing.BUDGET)(importing.MessageImportation)
importing.imports(QuoteUpdated)(importing.import_updated_quote)
importing.imports(BindingUpdated)(binding_call.import_updated_binding)
handles(WithdrawQuotesOfLine)(withdraw_quotes_of_line)
WORKS.register(BIND_ASSISTANCE, wait_for_help)
retention("carrier messages")(message_queue.old_messages)
service("carriers", connections=DATABASE_THREADS)(dispatch)


@hourly
def expire_each_hour(tenant: Tenant) -> ExpireQuotes:
    """Return the hourly expiry of the tenant's quotes."""
    return ExpireQuotes(tenant_id=str(tenant.pk))
