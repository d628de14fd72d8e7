"""Times with their zone, and without words for parts of the day."""

from __future__ import annotations

from typing import Final

DATETIME_FORMAT: Final = "M j, Y, H:i T"
