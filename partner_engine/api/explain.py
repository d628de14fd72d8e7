"""``/copies/{id}/explain``: why a question is asked, a product came out as it did, a price is what it is."""

from __future__ import annotations
