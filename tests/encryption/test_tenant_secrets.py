"""Small secrets of tenants open for their owner and purpose, as long as their master key is there."""

import base64
from typing import Any
from uuid import UUID

import pytest
from django.conf import LazySettings

from encryption.envelope import DecryptionFailed
from encryption.tenant_secrets import open_sealed, seal

TENANT, OTHER_TENANT, OWNER = (UUID(int=number) for number in range(1, 4))
FIRST, SECOND = (base64.b64encode(name.ljust(32, b"-")).decode() for name in (b"first", b"second"))
# Written before encryption had a package of its own.
STORED = base64.b64decode("k6VmaXJzdMQMkT07bl9o5mODNvahxBy3p0W/Gzgbca98MIJfBP6QccGRfBzVEmh59Ig4")
PLACE: dict[str, Any] = {"tenant_id": TENANT, "purpose": "webhook", "owner": OWNER}


@pytest.fixture(autouse=True)
def keys(settings: LazySettings) -> None:
    settings.KEYRING = {"first": FIRST, "second": SECOND}


def test_a_secret_that_was_stored_long_ago_still_opens() -> None:
    assert open_sealed(STORED, **PLACE) == "whsec_kettle"


def test_a_new_secret_opens_at_its_place_alone() -> None:
    sealed = seal("whsec_new", **PLACE)

    assert open_sealed(sealed, **PLACE) == "whsec_new"
    for other in ({"tenant_id": OTHER_TENANT}, {"purpose": "other"}, {"owner": TENANT}):
        with pytest.raises(DecryptionFailed):
            open_sealed(sealed, **{**PLACE, **other})


@pytest.mark.parametrize("sealed", [b"", b"x", STORED[:-1], STORED[:20]])
def test_what_is_no_secret_does_not_open(sealed: bytes) -> None:
    with pytest.raises(DecryptionFailed, match="does not open"):
        open_sealed(sealed, **PLACE)


def test_the_newest_master_key_is_used_and_one_that_is_gone_opens_nothing(settings: LazySettings) -> None:
    sealed = seal("whsec_new", **PLACE)
    settings.KEYRING = {"first": FIRST}

    assert b"second" in sealed
    with pytest.raises(DecryptionFailed, match="master key is gone"):
        open_sealed(sealed, **PLACE)
