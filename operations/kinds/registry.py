"""All kinds of batch operations by their code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from operations.kinds.import_forms import ImportForms
from operations.kinds.kind import Kind
from operations.kinds.set_answers import SetAnswers

_ALL: Final[tuple[Kind[Any, Any], ...]] = (ImportForms(), SetAnswers())

KINDS: Final[Mapping[str, Kind[Any, Any]]] = {kind.code: kind for kind in _ALL}


class UnknownKind(LookupError):
    """There is no kind of batch operation with this code."""

    def __init__(self, code: str) -> None:
        super().__init__(f"There is no kind of operation {code!r}.")
        self.code = code


def kind_named(code: str) -> Kind[Any, Any]:
    """Return the kind with ``code``. Raises ``UnknownKind``."""
    try:
        return KINDS[code]
    except KeyError:
        raise UnknownKind(code) from None
