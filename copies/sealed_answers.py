"""Sensitive answers of one copy, encrypted under the copy's data key and bound to tenant, copy, path and key version.

Only ``Sealer.reveal`` returns plain values.
"""

from __future__ import annotations

from uuid import UUID

import msgspec

from copies.document import Answer, AnswerValue, Document, walk_answers
from encryption.key_ring import DataKey, KeyService
from encryption.wrapped_key import WrappedKey


class Sealer:
    """Seals and reveals the sensitive answers of one copy."""

    def __init__(
        self, *, tenant_id: UUID, copy_id: UUID, key: WrappedKey | None, service: KeyService | None = None
    ) -> None:
        """Take the copy's stored ``key``, None while it has no sensitive answer."""
        self._data_key = DataKey(tenant_id=tenant_id, owner_id=copy_id, stored=key, service=service)

    @property
    def key(self) -> WrappedKey | None:
        """Return the copy's key as it is to be stored; the first seal makes it."""
        return self._data_key.stored

    def seal(self, path: str, value: AnswerValue) -> bytes:
        """Return the ciphertext of ``value`` for ``path``. Raises ``KeyServiceUnavailable``."""
        return self._data_key.encrypt(msgspec.json.encode(value), place=path)

    def reveal(self, path: str, answer: Answer) -> AnswerValue:
        """Return the plain value of ``answer`` at ``path``. Raises ``DecryptionFailed`` or ``KeyServiceUnavailable``.

        Callers keep the value inside one call: it goes to the rules, or to a person whose right, reason and audit row
        were checked.
        """
        if answer.sealed is None:
            return answer.value
        value: AnswerValue = msgspec.json.decode(self._data_key.decrypt(answer.sealed, place=path))
        return value

    def renew_key(self, document: Document) -> int:
        """Make a new data key and seal every sealed answer of ``document`` under it; return their number.

        What earlier versions hold stays under the earlier keys. Raises ``DecryptionFailed`` or
        ``KeyServiceUnavailable``; the document may be changed in part then.
        """
        self._data_key.renew()
        sealed = [(path, answer) for path, answer in walk_answers(document) if answer.sealed is not None]
        for path, answer in sealed:
            answer.sealed = self.seal(path, self.reveal(path, answer))
        return len(sealed)
