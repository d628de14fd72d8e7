"""The key ring: master keys by age, data keys of owners, and values that older releases stored."""

import base64
from uuid import UUID, uuid4

import pytest

from copies.document import Answer
from copies.sealed_answers import Sealer
from encryption import key_ring
from encryption.envelope import DecryptionFailed
from encryption.key_ring import DataKey, DataKeyCache, KeyServiceUnavailable, LocalKeyring
from encryption.wrapped_key import WrappedKey

TENANT, OTHER_TENANT, OWNER = (UUID(int=number) for number in range(1, 4))

# Written before encryption was a separate package.
STORED_KEY = WrappedKey(
    base64.b64decode("+0opNQSnXiKmSL/KLZ3qNa6zNBSaQzgEH6fOAcp78cIcxba4xpbvAfjLMfm6ANZbK6YqUG3t/9e9PfqO"), "first"
)
STORED_ANSWER = base64.b64decode("d5SkU6WxgKuIWKpgyAx+gofNbKxecDj+pj9ZvtKykdSeppTSuwORFCM=")


def keyring(*key_ids: str) -> LocalKeyring:
    return LocalKeyring({key_id: base64.b64encode(key_id.encode().ljust(32, b"-")).decode() for key_id in key_ids})


def test_an_answer_that_was_stored_long_ago_still_opens() -> None:
    sealer = Sealer(tenant_id=TENANT, copy_id=OWNER, key=STORED_KEY, service=keyring("first", "second"))

    assert sealer.reveal("owners/1/ssn", Answer(sealed=STORED_ANSWER)) == "987-65-4321"


def test_a_wrapped_key_opens_for_its_owner_alone() -> None:
    ring = keyring("first")
    wrapped = ring.wrap(b"d" * 32, tenant_id=TENANT, owner_id=OWNER)

    assert ring.unwrap(wrapped, tenant_id=TENANT, owner_id=OWNER) == b"d" * 32
    for tenant_id, owner_id in ((OTHER_TENANT, OWNER), (TENANT, uuid4())):
        with pytest.raises(DecryptionFailed):
            ring.unwrap(wrapped, tenant_id=tenant_id, owner_id=owner_id)


def test_the_newest_master_key_wraps_and_older_ones_still_open() -> None:
    both = keyring("first", "second")

    assert both.wrap(b"d" * 32, tenant_id=TENANT, owner_id=OWNER).key_id == "second"
    assert both.unwrap(STORED_KEY, tenant_id=TENANT, owner_id=OWNER)


def test_a_missing_master_key_is_named() -> None:
    with pytest.raises(KeyServiceUnavailable, match="first"):
        keyring("second").unwrap(STORED_KEY, tenant_id=TENANT, owner_id=OWNER)


def test_a_data_key_is_made_once_and_unwrapped_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_ring, "_data_keys", DataKeyCache())
    owner, ring = uuid4(), keyring("first")
    writer = DataKey(tenant_id=TENANT, owner_id=owner, stored=None, service=ring)
    sealed = [writer.encrypt(b"Kettle", place=place) for place in ("a", "b")]
    monkeypatch.setattr(LocalKeyring, "unwrap", None)

    reader = DataKey(tenant_id=TENANT, owner_id=owner, stored=writer.stored, service=ring)

    assert [reader.decrypt(data, place=place) for data, place in zip(sealed, "ab", strict=True)] == [b"Kettle"] * 2
    with pytest.raises(DecryptionFailed):
        reader.decrypt(sealed[0], place="b")


def test_the_cache_drops_old_keys_and_the_longest_unused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_ring, "CACHE_SIZE", 2)
    cache, names = DataKeyCache(), [(uuid4(), b"") for _ in range(3)]
    for name in names[:2]:
        cache.put(name, b"d")
    cache.get(names[0])
    cache.put(names[2], b"d")

    assert [cache.get(name) for name in names] == [b"d", None, b"d"]

    monkeypatch.setattr(key_ring, "CACHE_SECONDS", -1.0)
    cache.put(names[0], b"d")
    assert cache.get(names[0]) is None


def test_a_new_data_key_encrypts_and_earlier_ones_still_open() -> None:
    owner, ring = uuid4(), keyring("first")
    key = DataKey(tenant_id=TENANT, owner_id=owner, stored=None, service=ring)
    texts = []
    for round in range(4):
        texts.append(key.encrypt(b"round %d" % round, place="a"))
        key.renew()
    assert key.stored is not None
    stored = WrappedKey.from_stored(key.stored.to_stored(), key_id=key.stored.key_id, version=key.stored.version)
    assert stored == key.stored
    assert [one.version for one in stored.all] == [5, 4, 3, 2, 1]

    reader = DataKey(tenant_id=TENANT, owner_id=owner, stored=stored, service=keyring("first", "second"))
    assert [reader.decrypt(data, place="a") for data in texts] == [b"round %d" % round for round in range(4)]
    reader.rewrap()
    assert reader.stored is not None and reader.stored.key_ids == {"second"}
    assert [reader.decrypt(data, place="a") for data in texts] == [b"round %d" % round for round in range(4)]
    for data in texts:
        with pytest.raises(DecryptionFailed):
            reader.decrypt(data, place="b")


def test_a_key_is_not_wrapped_anew_from_memory_alone() -> None:
    owner, ring = uuid4(), keyring("first")
    key = DataKey(tenant_id=TENANT, owner_id=owner, stored=None, service=ring)
    key.encrypt(b"Kettle", place="a")
    before = key.stored
    without = DataKey(tenant_id=TENANT, owner_id=owner, stored=before, service=keyring("second"))

    with pytest.raises(KeyServiceUnavailable):
        without.rewrap()
    assert without.stored == before
