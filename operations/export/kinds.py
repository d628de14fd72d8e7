"""What of each table goes into an export: the file, the columns left out, and the tables left out with the reason.

A table that is not mentioned is exported with all its columns; columns of bytes must be mentioned.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.db import models

from actions.models import OutboxAction
from batch.models import IdempotencyRecord
from carriers.models import CarrierCall
from copies.models import Copy, CopyRevision
from decisions.models import ShadowRecord
from forms.models import Binding, GuestLink, PaymentMethod
from operations.models import BatchOperation, OperationItem
from quoting.models import CarrierMessage, ProposalLink
from search.models import SearchEntry, SearchSpelling, SearchWord
from tenants.tables import TenantTable, tenant_tables
from webhooks.models import WebhookEndpoint, WebhookPayload

#: Tables that are not exported, and why.
LEFT_OUT: Final[Mapping[str, str]] = {
    OutboxAction._meta.db_table: "work that is under way here",
    IdempotencyRecord._meta.db_table: "responses that are kept for 24 hours",
    ShadowRecord._meta.db_table: "results of rules without effect, which the tenant does not see",
    SearchEntry._meta.db_table: "derived from the copies",
    SearchWord._meta.db_table: "derived from the copies",
    SearchSpelling._meta.db_table: "derived from the copies",
}
#: Columns that are not exported: secrets, keys, and what is derived from the rest. The content of copies and of their
#: versions is exported in the API's shapes instead.
OMITTED: Final[Mapping[str, frozenset[str]]] = {
    Copy._meta.db_table: frozenset(
        {
            "document",
            "evaluation",
            "wrapped_key",
            "key_id",
            "key_version",
            "chain",
            "summary",
            "search_text",
            "search_personal",
        }
    ),
    CopyRevision._meta.db_table: frozenset({"document", "evaluation", "changes", "chain", "amends", "is_whole"}),
    GuestLink._meta.db_table: frozenset({"secret_hash", "session_hash", "digits_hash"}),
    PaymentMethod._meta.db_table: frozenset({"token"}),
    # Between this product and the carrier alone.
    Binding._meta.db_table: frozenset({"bind_token"}),
    ProposalLink._meta.db_table: frozenset({"secret_hash"}),
    WebhookEndpoint._meta.db_table: frozenset({"secret", "previous_secret"}),
    # What was sent, masked as the release of that day required; a stricter one may hide more today.
    CarrierCall._meta.db_table: frozenset({"body"}),
    # As it came from the carrier; what was imported of it is in the quote requests.
    CarrierMessage._meta.db_table: frozenset({"body"}),
    # What was submitted may hold answers; what was made of them is in the copies.
    BatchOperation._meta.db_table: frozenset({"arguments", "query", "rejections"}),
    OperationItem._meta.db_table: frozenset({"input", "error_details", "result", "undo", "lease_token"}),
    # The partner has received it; a stricter release may hide today what it contains.
    WebhookPayload._meta.db_table: frozenset({"body"}),
}
#: Parts of names of columns that contain secrets, for columns of later models.
SECRETIVE: Final = ("secret", "token", "password", "key_id", "wrapped", "hash")


class UndecidedColumn(Exception):
    """Nobody said whether a column of bytes, or one that sounds secret, goes into exports."""

    def __init__(self, table: str, column: str) -> None:
        super().__init__(f"Decide in operations/export/kinds.py whether {table}.{column} goes into exports.")


def exported_tables() -> list[TenantTable]:
    """Return the tables that are exported."""
    return [table for table in tenant_tables() if table.name not in LEFT_OUT]


def file_of(table: TenantTable) -> str:
    """Return the name of the table's file in the archive: the plural of the kind."""
    return f"{table.model._meta.verbose_name_plural.replace(' ', '_')}.ndjson"  # type: ignore[union-attr]


def exported_columns(table: TenantTable) -> list[str]:
    """Return the columns of ``table`` that are exported as they are stored. Raises ``UndecidedColumn``."""
    left_out = OMITTED.get(table.name, frozenset())
    fields = [field for field in table.model._meta.concrete_fields if field.attname not in {*left_out, "tenant_id"}]
    for field in fields:
        sounds_secret = any(part in field.attname for part in SECRETIVE) and field.attname not in _HARMLESS
        if isinstance(field, models.BinaryField) or sounds_secret:
            raise UndecidedColumn(table.name, field.attname)
    return [field.attname for field in fields]


#: The carrier's reference of a request, which opens nothing; the hash of what was sent, whose values are exported
#: themselves; when a replaced secret ends; the hash of a plan; that of the columns of a saved mapping.
_HARMLESS: Final = frozenset({"request_token", "payload_hash", "previous_secret_until", "plan_hash", "columns_hash"})
