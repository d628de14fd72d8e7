"""The handlers of quoting, and the service that calls carriers."""

from __future__ import annotations

from actions.kinds import MarkQuotesStale
from actions.registry import handles
from actions.sweeps import service
from quoting.dispatcher import DATABASE_THREADS, dispatch
from quoting.staleness import mark_quotes_stale

handles(MarkQuotesStale)(mark_quotes_stale)
service("carriers", connections=DATABASE_THREADS)(dispatch)
