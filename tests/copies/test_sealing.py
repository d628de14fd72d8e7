"""Sealed answers open at their own place with their own key and nowhere else."""

import base64
from uuid import UUID, uuid4

import pytest

from copies.document import Answer
from copies.mask import mask
from copies.sealed_answers import Sealer
from encryption.envelope import DecryptionFailed
from encryption.key_ring import LocalKeyring
from encryption.wrapped_key import WrappedKey

TENANT, OTHER_TENANT, COPY, OTHER_COPY = (UUID(int=number) for number in range(1, 5))
PATH = "owners/1/ssn"


def keyring(*key_ids: str) -> LocalKeyring:
    return LocalKeyring({key_id: base64.b64encode(key_id.encode().ljust(32, b"-")).decode() for key_id in key_ids})


def sealer(
    key: WrappedKey | None = None, *, tenant: UUID = TENANT, copy: UUID = COPY, ring: LocalKeyring | None = None
) -> Sealer:
    return Sealer(tenant_id=tenant, copy_id=copy, key=key, service=ring or keyring("first"))


@pytest.mark.parametrize("value", ["987-65-4321", "1980-02-29", 42, True, ["a", "b"]])
def test_what_is_sealed_is_revealed_at_its_place(value: object) -> None:
    writer = sealer()
    sealed = writer.seal(PATH, value)  # type: ignore[arg-type]

    assert sealer(writer.key).reveal(PATH, Answer(sealed=sealed)) == value
    assert str(value).encode() not in sealed


@pytest.mark.parametrize(
    ("tenant", "copy", "path"),
    [(OTHER_TENANT, COPY, PATH), (TENANT, OTHER_COPY, PATH), (TENANT, COPY, "owners/2/ssn"), (TENANT, COPY, "ssn")],
    ids=["other tenant", "other copy", "other row", "other question"],
)
def test_a_ciphertext_that_was_moved_does_not_open(tenant: UUID, copy: UUID, path: str) -> None:
    writer = sealer()
    moved = Answer(sealed=writer.seal(PATH, "987-65-4321"))

    with pytest.raises(DecryptionFailed):
        sealer(writer.key, tenant=tenant, copy=copy).reveal(path, moved)


def test_an_altered_ciphertext_does_not_open() -> None:
    writer = sealer()
    sealed = bytearray(writer.seal(PATH, "987-65-4321"))

    for position in range(len(sealed)):
        altered = bytes(byte ^ (index == position) for index, byte in enumerate(sealed))
        with pytest.raises(DecryptionFailed):
            sealer(writer.key).reveal(PATH, Answer(sealed=altered))


def test_the_key_version_is_bound_in() -> None:
    writer = sealer()
    sealed = writer.seal(PATH, "987-65-4321")
    assert writer.key is not None
    later = WrappedKey(writer.key.wrapped, writer.key.key_id, version=2)

    with pytest.raises(DecryptionFailed):
        sealer(later).reveal(PATH, Answer(sealed=sealed))


def test_every_seal_has_its_own_nonce() -> None:
    writer = sealer()

    assert len({writer.seal(PATH, "same")[:12] for _ in range(1_000)}) == 1_000


def test_the_newest_master_key_wraps_and_older_ones_still_open() -> None:
    copy = uuid4()
    old = sealer(copy=copy, ring=keyring("first"))
    sealed = old.seal(PATH, "987-65-4321")
    both = keyring("first", "second")

    assert both.wrap(b"k" * 32, tenant_id=TENANT, owner_id=copy).key_id == "second"
    assert old.key is not None
    assert both.unwrap(old.key, tenant_id=TENANT, owner_id=copy)
    assert sealer(old.key, copy=copy, ring=both).reveal(PATH, Answer(sealed=sealed)) == "987-65-4321"


def test_an_open_answer_is_read_as_it_is() -> None:
    assert sealer().reveal("name", Answer(value="Kettle")) == "Kettle"


def test_a_sealed_answer_without_the_copys_key_does_not_open() -> None:
    with pytest.raises(DecryptionFailed):
        sealer().reveal(PATH, Answer(sealed=b"x" * 40))


@pytest.mark.parametrize(
    ("value", "shown"),
    [("987-65-4321", "•••• 4321"), ("1980-02-29", "•••• 2-29"), ("A12345", "•••• 45"), ("ab", "••••"), (7, "••••")],
)
def test_mask_shows_the_end_and_less_of_a_short_value(value: object, shown: str) -> None:
    assert mask(value) == shown  # type: ignore[arg-type]
