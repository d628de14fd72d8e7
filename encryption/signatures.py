"""Signatures of this installation (Ed25519) over exports and packages, which others verify by its public keys.

The signing keys are derived from the master keys in ``KEYRING``: the newest signs, and the public keys of older ones
are known as long as they are in the ring.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from encryption.key_ring import local_keyring

_INFO = b"signatures"


class BadSignature(Exception):
    """The content was altered, or the signature is of another key or purpose."""


class UnknownSigner(BadSignature):
    """The key of the signature is not among the known ones."""


class Signature(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A signature: ``key`` is the id of the public key, ``value`` base64 of the 64 bytes."""

    key: str
    value: str


def sign(content: bytes, *, purpose: str) -> Signature:
    """Return the signature of ``content`` by the newest key. It is valid for ``purpose`` alone."""
    private = _private_key(local_keyring().newest)
    value = private.sign(_signed(content, purpose))
    return Signature(key=key_id_of(private.public_key().public_bytes_raw()), value=base64.b64encode(value).decode())


def public_keys() -> dict[str, str]:
    """Return the public keys of this installation by their ids, each as base64 of its 32 bytes, the newest last."""
    publics = [_private_key(name).public_key().public_bytes_raw() for name in local_keyring().names]
    return {key_id_of(public): base64.b64encode(public).decode() for public in publics}


def verify(content: bytes, signature: Signature, *, purpose: str, keys: Mapping[str, str] | None = None) -> None:
    """Raise ``BadSignature`` unless ``signature`` is of ``content`` for ``purpose`` by one of the public ``keys``, by
    default this installation's.
    """
    known = public_keys() if keys is None else keys
    if signature.key not in known:
        raise UnknownSigner(f"The key {signature.key!r} is not known here.")
    try:
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(known[signature.key], validate=True))
        value = base64.b64decode(signature.value, validate=True)
        if base64.b64encode(value).decode() != signature.value:
            raise BadSignature("The signature is not written as it was signed.")
        public.verify(value, _signed(content, purpose))
    except (InvalidSignature, binascii.Error, ValueError) as error:
        raise BadSignature("The signature does not belong to this content.") from error


def key_id_of(public_key: bytes) -> str:
    """Return the id of a public key of 32 bytes: the beginning of its SHA-256, as hexadecimal text."""
    return hashlib.sha256(public_key).hexdigest()[:16]


def canonical(value: object) -> bytes:
    """Return ``value`` as JSON in one spelling: names sorted, without spaces. Equal values have equal bytes."""
    return msgspec.json.encode(msgspec.to_builtins(value), order="sorted")


def _private_key(master: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(local_keyring().derive(master, info=_INFO))


def _signed(content: bytes, purpose: str) -> bytes:
    return f"partner-engine {purpose}\n".encode() + content
