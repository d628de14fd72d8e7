"""The handlers of quoting, and the service that calls carriers."""

from __future__ import annotations

from actions.kinds import MarkQuotesStale, WithdrawQuotesOfLine
from actions.registry import handles
from actions.sweeps import service
from batch.processes.runner import WORKS
from quoting import binding_call  # noqa: F401 - registers the action that binds
from quoting.binding import BIND_ASSISTANCE, wait_for_help
from quoting.bound_lines import withdraw_quotes_of_line
from quoting.dispatcher import DATABASE_THREADS, dispatch
from quoting.staleness import mark_quotes_stale

handles(MarkQuotesStale)(mark_quotes_stale)
service("carriers", connections=DATABASE_THREADS)(dispatch)
handles(WithdrawQuotesOfLine)(withdraw_quotes_of_line)
WORKS.register(BIND_ASSISTANCE, wait_for_help)
