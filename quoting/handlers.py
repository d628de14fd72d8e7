"""The handlers of quoting."""

from __future__ import annotations

from actions.kinds import MarkQuotesStale
from actions.registry import handles
from quoting.staleness import mark_quotes_stale

handles(MarkQuotesStale)(mark_quotes_stale)
