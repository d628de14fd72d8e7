"""Orders of batch operations for tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID


def renamed(forms: Sequence[UUID], name: str = "Copper Paw") -> list[dict[str, Any]]:
    """Return the items that set the kennel's name of ``forms``."""
    return [{"id": str(form_id), "answers": {"kennel_name": name}} for form_id in forms]
