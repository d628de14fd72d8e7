"""The files of operations that export: their lines, from the items that are read page by page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Protocol

from operations.kinds.export_forms import ExportForms, export_lines
from operations.kinds.tenant_export import TenantExport, exported_versions
from operations.models import OperationItem
from tenants.access import Actor
from tenants.models import Tenant


class ContentLines(Protocol):
    """Yields the lines of a file of what items exported, as far as an actor may see it."""

    def __call__(self, items: Iterable[OperationItem], *, tenant: Tenant, actor: Actor) -> Iterator[bytes]:
        """Yield the lines. Raises ``MissingRight``."""


#: The lines of each kind that exports, by its code.
CONTENTS: Final[Mapping[str, ContentLines]] = {
    ExportForms.code: export_lines,
    TenantExport.code: exported_versions,
}
