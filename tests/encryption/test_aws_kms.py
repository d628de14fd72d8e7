"""AWS KMS behind the key service, against a small KMS over HTTP."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from copies.document import Answer
from copies.sealed_answers import Sealer
from encryption import key_ring
from encryption.aws_kms import AwsKms
from encryption.envelope import DecryptionFailed
from encryption.key_ring import DataKey, KeyServices, KeyServiceUnavailable, LocalKeyring
from encryption.wrapped_key import WrappedKey
from tests.harness.kms_server import ALIAS, KmsServer, kms_server

TENANT, OTHER_TENANT, OWNER = (UUID(int=number) for number in range(1, 4))


@pytest.fixture
def kms(monkeypatch: pytest.MonkeyPatch) -> Iterator[KmsServer]:
    with kms_server() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", server.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        yield server


@pytest.fixture
def service(kms: KmsServer) -> AwsKms:
    return AwsKms.from_url(f"aws-kms://us-east-1/{ALIAS}")


def local() -> LocalKeyring:
    return LocalKeyring({"first": base64.b64encode(b"-" * 32).decode()})


def test_a_data_key_opens_for_its_tenant_and_owner_alone(service: AwsKms, kms: KmsServer) -> None:
    wrapped = service.wrap(b"d" * 32, tenant_id=TENANT, owner_id=OWNER)

    assert wrapped.key_id == kms.current
    assert service.unwrap(wrapped, tenant_id=TENANT, owner_id=OWNER) == b"d" * 32
    for tenant_id, owner_id in ((OTHER_TENANT, OWNER), (TENANT, uuid4())):
        with pytest.raises(DecryptionFailed):
            service.unwrap(wrapped, tenant_id=tenant_id, owner_id=owner_id)


def test_answers_are_sealed_and_revealed_with_one_call_each_way(service: AwsKms, kms: KmsServer) -> None:
    copy = uuid4()
    writer = Sealer(tenant_id=TENANT, copy_id=copy, key=None, service=service)
    sealed = [writer.seal(path, "987-65-4321") for path in ("a", "b")]
    reader = Sealer(tenant_id=TENANT, copy_id=copy, key=writer.key, service=service)

    assert reader.reveal("b", Answer(sealed=sealed[1])) == "987-65-4321"
    assert kms.calls == ["Encrypt"]  # the data key is in memory of the process that made it
    key_ring._data_keys.__init__()  # type: ignore[misc]
    assert reader.reveal("a", Answer(sealed=sealed[0])) == "987-65-4321"
    assert kms.calls == ["Encrypt", "Decrypt"]


def test_an_outage_is_told_from_an_altered_key(service: AwsKms, kms: KmsServer) -> None:
    wrapped = service.wrap(b"d" * 32, tenant_id=TENANT, owner_id=OWNER)
    kms.fails = True

    with pytest.raises(KeyServiceUnavailable, match="ThrottlingException"):
        service.unwrap(wrapped, tenant_id=TENANT, owner_id=OWNER)
    with pytest.raises(KeyServiceUnavailable):
        service.wrap(b"d" * 32, tenant_id=TENANT, owner_id=OWNER)


def test_a_service_that_is_away_is_an_outage(service: AwsKms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:9")
    away = AwsKms.from_url(f"aws-kms://us-east-1/{ALIAS}")

    with pytest.raises(KeyServiceUnavailable):
        away.wrap(b"d" * 32, tenant_id=TENANT, owner_id=OWNER)


def test_keys_of_the_local_keyring_still_open_and_are_wrapped_anew(service: AwsKms, kms: KmsServer) -> None:
    owner = uuid4()
    before = DataKey(tenant_id=TENANT, owner_id=owner, stored=None, service=local())
    sealed = before.encrypt(b"Kettle", place="a")
    both = KeyServices(service, local())

    after = DataKey(tenant_id=TENANT, owner_id=owner, stored=before.stored, service=both)
    assert after.decrypt(sealed, place="a") == b"Kettle"
    after.rewrap()

    assert after.stored is not None and after.stored.key_ids == {kms.current}
    alone = DataKey(tenant_id=TENANT, owner_id=owner, stored=after.stored, service=service)
    assert alone.decrypt(sealed, place="a") == b"Kettle"
    kms.turn()
    after.rewrap()
    assert after.stored.key_ids == {kms.current}


def test_a_key_that_no_service_knows_is_named(service: AwsKms) -> None:
    with pytest.raises(KeyServiceUnavailable, match="lost"):
        KeyServices(service, local()).unwrap(WrappedKey(b"", "lost"), tenant_id=TENANT, owner_id=OWNER)


def test_the_setting_chooses_the_service(kms: KmsServer, settings: Settings) -> None:
    build = key_ring.key_service.__wrapped__
    settings.KEY_SERVICE = f"aws-kms://us-east-1/{ALIAS}"
    assert build().wrap(b"d" * 32, tenant_id=TENANT, owner_id=OWNER).key_id == kms.current

    for wrong in ("aws-kms://", "aws-kms://us-east-1", "vault://here/key", "nonsense"):
        settings.KEY_SERVICE = wrong
        with pytest.raises(ImproperlyConfigured):
            build()
    settings.KEY_SERVICE = ""
    assert isinstance(build(), LocalKeyring)
