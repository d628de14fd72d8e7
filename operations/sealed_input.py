"""What was submitted, as it is stored: JSON, encrypted under a key of the tenant and bound to its row.

It opens as long as its master key is in ``KEYRING``; operations are kept for days, so no key is rewrapped for them.
"""

from __future__ import annotations

from typing import Final, TypeVar
from uuid import UUID

import msgspec

from encryption.envelope import DecryptionFailed
from encryption.tenant_secrets import open_sealed, seal
from operations.models import BatchOperation, OperationItem

T = TypeVar("T")
#: What is raised where the stored input does not open any more: it was altered, or its master key is gone.
UNREADABLE: Final = (DecryptionFailed, msgspec.ValidationError, msgspec.DecodeError)
_ITEM: Final = "operation item"
_ARGUMENTS: Final = "operation arguments"


def sealed_item(item: msgspec.Struct, *, tenant_id: UUID, item_id: UUID) -> bytes:
    """Return ``item`` as the input of the row ``item_id``."""
    return seal(msgspec.json.encode(item).decode(), tenant_id=tenant_id, purpose=_ITEM, owner=item_id)


def opened_item(row: OperationItem, item_type: type[T]) -> T:
    """Return what was submitted for ``row``. Raises ``DecryptionFailed``, ``msgspec.ValidationError``."""
    text = open_sealed(bytes(row.input), tenant_id=row.tenant_id, purpose=_ITEM, owner=row.id)
    return msgspec.json.decode(text, type=item_type)


def sealed_arguments(arguments: msgspec.Struct, *, tenant_id: UUID, operation_id: UUID) -> bytes:
    """Return ``arguments`` as those of the operation ``operation_id``."""
    return seal(msgspec.json.encode(arguments).decode(), tenant_id=tenant_id, purpose=_ARGUMENTS, owner=operation_id)


def opened_arguments(operation: BatchOperation, arguments_type: type[T]) -> T:
    """Return the arguments of ``operation``. Raises ``DecryptionFailed``, ``msgspec.ValidationError``."""
    text = open_sealed(
        bytes(operation.arguments), tenant_id=operation.tenant_id, purpose=_ARGUMENTS, owner=operation.id
    )
    return msgspec.json.decode(text, type=arguments_type)
