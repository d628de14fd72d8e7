"""Authenticated encryption: what opens, what does not, and derivations that stored data depend on."""

from uuid import UUID

import pytest

from encryption.envelope import DecryptionFailed, context_of, decrypt, derive_key, encrypt, new_key

KEY, CONTEXT = b"k" * 32, context_of("tenant", "owner")


def test_what_is_encrypted_opens_with_its_key_and_context() -> None:
    data = encrypt(KEY, b"Kettle", context=CONTEXT)

    assert decrypt(KEY, data, context=CONTEXT) == b"Kettle"
    assert b"Kettle" not in data


@pytest.mark.parametrize(
    ("key", "context", "cut"),
    [
        (b"x" * 32, CONTEXT, 0),
        (KEY, context_of("tenant", "other"), 0),
        (KEY, context_of("tenan", "towner"), 0),
        (KEY, CONTEXT, 1),
        (KEY, CONTEXT, 20),
        (KEY, CONTEXT, 1_000),
    ],
    ids=["other key", "other owner", "other cut of the same letters", "short", "shorter", "empty"],
)
def test_nothing_else_opens(key: bytes, context: bytes, cut: int) -> None:
    data = encrypt(KEY, b"Kettle", context=CONTEXT)

    with pytest.raises(DecryptionFailed, match="does not open"):
        decrypt(key, data[: max(len(data) - cut, 0)], context=context)


def test_nonces_and_keys_are_random() -> None:
    assert len({encrypt(KEY, b"same", context=CONTEXT)[:12] for _ in range(1_000)}) == 1_000
    assert len({new_key() for _ in range(100)}) == 100


def test_derivations_and_contexts_stay_as_stored_data_needs_them() -> None:
    assert (
        derive_key(KEY, info=b"tenant " + UUID(int=1).bytes).hex()
        == "5fc23dee3cb8dc9d9be1a9d012c2156c78ade35e5e25d10189903c0a6d0b5b65"
    )
    assert context_of(UUID(int=1), "ssn") == b"\0\0\0\x24" + str(UUID(int=1)).encode() + b"\0\0\0\x03ssn"
