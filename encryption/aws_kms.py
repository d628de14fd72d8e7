"""AWS KMS as the key service: data keys are wrapped by a key that never leaves it. Needs ``boto3``, an optional extra.

Each call names tenant and owner in the encryption context, so that a wrapped key opens for them alone and the cloud's
own audit log shows for whom it was opened.
"""

from __future__ import annotations

from typing import Any, Final, NoReturn
from urllib.parse import urlsplit
from uuid import UUID

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.exceptions import ImproperlyConfigured

from encryption.envelope import DecryptionFailed, new_key
from encryption.key_ring import KeyServiceUnavailable
from encryption.wrapped_key import WrappedKey

#: Short limits: a save waits for the service while it holds the copy's lock, which ends after 10 s.
_LIMITS: Final = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2})
#: What KMS answers for a ciphertext or a context that is not what it encrypted.
_ALTERED: Final = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})
_ARN: Final = "arn:"


class AwsKms:
    """Wraps data keys with one symmetric key of AWS KMS."""

    def __init__(self, *, region: str, key: str) -> None:
        """Take the region and the key: an id, an ARN or ``alias/<name>``. Credentials are those of boto3."""
        self._key = key
        self._client = boto3.client("kms", region_name=region, config=_LIMITS)

    @classmethod
    def from_url(cls, url: str) -> AwsKms:
        """Return the service at ``url``, ``aws-kms://<region>/<key>``. Raises ``ImproperlyConfigured``."""
        place = urlsplit(url)
        key = place.path[1:]
        if not place.netloc or not key:
            raise ImproperlyConfigured(
                f"KEY_SERVICE {url} names no region and key; write aws-kms://us-east-1/alias/partner-engine."
            )
        return cls(region=place.netloc, key=key)

    def wrap(self, data_key: bytes, *, tenant_id: UUID, owner_id: UUID) -> WrappedKey:
        """Wrap ``data_key``. Raises ``KeyServiceUnavailable``."""
        try:
            found = self._client.encrypt(
                KeyId=self._key, Plaintext=data_key, EncryptionContext=_context(tenant_id, owner_id)
            )
        except (ClientError, BotoCoreError) as error:
            _refuse(error)
        return WrappedKey(wrapped=found["CiphertextBlob"], key_id=found["KeyId"])

    def unwrap(self, key: WrappedKey, *, tenant_id: UUID, owner_id: UUID) -> bytes:
        """Return the data key in ``key``.

        Raises ``KeyServiceUnavailable``, or ``DecryptionFailed`` for another tenant or owner.
        """
        try:
            found = self._client.decrypt(
                KeyId=key.key_id, CiphertextBlob=key.wrapped, EncryptionContext=_context(tenant_id, owner_id)
            )
        except (ClientError, BotoCoreError) as error:
            _refuse(error)
        return bytes(found["Plaintext"])

    def opens(self, key_id: str) -> bool:
        """Return whether ``key_id`` is the ARN of a key, as KMS returns it when it wraps."""
        return key_id.startswith(_ARN)

    def present_key_id(self, *, tenant_id: UUID) -> str:
        """Return the ARN behind the configured key, as it wraps now. Raises ``KeyServiceUnavailable``."""
        # An alias can name another key tomorrow, and reading it needs one more permission than wrapping.
        return self.wrap(new_key(), tenant_id=tenant_id, owner_id=tenant_id).key_id


def _context(tenant_id: UUID, owner_id: UUID) -> dict[str, str]:
    return {"tenant": str(tenant_id), "owner": str(owner_id)}


def _refuse(error: Any) -> NoReturn:
    """Raise what callers know; the service's own text can quote the context and stays in the cause."""
    code = error.response.get("Error", {}).get("Code", "") if isinstance(error, ClientError) else type(error).__name__
    if code in _ALTERED:
        raise DecryptionFailed from error
    raise KeyServiceUnavailable(f"AWS KMS did not respond with a key ({code}). Try again in a moment.") from error
