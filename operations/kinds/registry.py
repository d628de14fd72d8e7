"""All kinds of batch operations by their code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from operations.kinds.archive import Archive
from operations.kinds.clone import Clone, Renew
from operations.kinds.export_forms import ExportForms
from operations.kinds.import_forms import ImportForms
from operations.kinds.kind import Kind
from operations.kinds.re_evaluate import ReEvaluate
from operations.kinds.reindex import Reindex
from operations.kinds.requote import Requote
from operations.kinds.set_answers import SetAnswers
from operations.kinds.tenant_export import TenantExport
from operations.kinds.transfer_owner import TransferOwner
from operations.kinds.undoing import Undo

_ALL: Final[tuple[Kind[Any, Any], ...]] = (
    ImportForms(),
    SetAnswers(),
    Clone(),
    Renew(),
    ReEvaluate(),
    Requote(),
    TransferOwner(),
    Archive(),
    Reindex(),
    ExportForms(),
    TenantExport(),
    Undo(),
)

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
