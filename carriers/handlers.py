"""The retention rule of carriers' traffic."""

from __future__ import annotations

from actions.maintenance import retention
from carriers.links.retention import old_calls

retention("carrier_calls")(old_calls)
