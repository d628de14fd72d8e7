"""The facts of a copy's summary about the business, as one reader may see them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, kw_only=True)
class Business:
    """The facts of a summary about the business that one reader may see."""

    insured: str | None = None
    trade: str | None = None
    city: str | None = None
    us_state: str | None = None
    starts_on: date | None = None
