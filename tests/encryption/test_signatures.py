"""Signatures: valid for one content, one purpose and one key; still verified after a rotation."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from encryption.signatures import BadSignature, Signature, UnknownSigner, canonical, public_keys, sign, verify

CONTENT = canonical({"b": 1, "a": [1, "é"]})


def test_a_signature_is_verified_by_the_public_keys() -> None:
    signature = sign(CONTENT, purpose="export")

    verify(CONTENT, signature, purpose="export")
    verify(CONTENT, signature, purpose="export", keys=public_keys())


def test_every_flipped_bit_of_the_content_is_found() -> None:
    signature = sign(CONTENT, purpose="export")

    for place in range(len(CONTENT) * 8):
        altered = bytearray(CONTENT)
        altered[place // 8] ^= 1 << place % 8
        with pytest.raises(BadSignature):
            verify(bytes(altered), signature, purpose="export")


def test_every_flipped_bit_of_the_signature_is_found() -> None:
    signature = sign(CONTENT, purpose="export")
    value = base64.b64decode(signature.value)

    for place in range(len(value) * 8):
        altered = bytearray(value)
        altered[place // 8] ^= 1 << place % 8
        with pytest.raises(BadSignature):
            wrong = Signature(key=signature.key, value=base64.b64encode(bytes(altered)).decode())
            verify(CONTENT, wrong, purpose="export")


def test_another_spelling_of_the_signature_is_found() -> None:
    signature = sign(CONTENT, purpose="export")
    # The last letter before the padding has bits that base64 ignores.
    letter = signature.value[85]
    others = [other for other in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" if other != letter]

    for other in others:
        with pytest.raises(BadSignature):
            verify(CONTENT, Signature(key=signature.key, value=signature.value[:85] + other + "=="), purpose="export")


@pytest.mark.parametrize("value", ["", "AAAA", "not base64", "é"])
def test_a_value_that_is_no_signature_is_refused(value: str) -> None:
    with pytest.raises(BadSignature):
        verify(CONTENT, Signature(key=next(iter(public_keys())), value=value), purpose="export")


def test_a_signature_is_valid_for_its_purpose_alone() -> None:
    with pytest.raises(BadSignature):
        verify(CONTENT, sign(CONTENT, purpose="export"), purpose="package")


def test_an_older_key_verifies_after_a_rotation(settings: Any) -> None:
    signature = sign(CONTENT, purpose="export")
    newer = base64.b64encode(b"n" * 32).decode()

    settings.KEYRING = {**settings.KEYRING, "newer": newer}
    verify(CONTENT, signature, purpose="export")
    assert sign(CONTENT, purpose="export").key != signature.key
    assert next(iter(public_keys())) == signature.key

    settings.KEYRING = {"newer": newer}
    with pytest.raises(UnknownSigner):
        verify(CONTENT, signature, purpose="export")


def test_equal_values_have_equal_bytes() -> None:
    assert canonical({"a": [1, "é"], "b": 1}) == CONTENT
