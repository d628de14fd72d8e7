"""The gate of a product, as all faces show it. Pure."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

GateCode: TypeAlias = Literal["not_licensed", "not_appointed"]


class Gate(msgspec.Struct, frozen=True):
    """The reason why the tenant may not sell a product; ``text`` is a sentence for an agent."""

    code: GateCode
    text: str
