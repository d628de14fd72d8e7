"""Types of JSON are known before threads decode them: msgspec crashes where two learn one at the same time."""

from __future__ import annotations

import os
import subprocess
import sys

import msgspec
import pytest

from partner_engine.prepared_types import prepare_types
from tests.harness.web_servers import ROOT, database_url

#: How often the type of a field was looked up.
_lookups: list[int] = []


def text() -> type[str]:
    _lookups.append(1)
    return str


class Inner(msgspec.Struct):
    title: text()  # type: ignore[valid-type]  # looked up when msgspec learns the struct


class Unknown(msgspec.Struct):
    """No decoder can be made for it."""

    of: Missing  # type: ignore[name-defined]  # noqa: F821


def test_structs_are_learned_once_and_before_they_are_decoded() -> None:
    _lookups.clear()

    assert prepare_types() > 100

    assert len(_lookups) == 1
    assert msgspec.json.decode(b'{"title": "Base"}', type=Inner) == Inner("Base")
    assert msgspec.convert({"title": "Base"}, Inner) == Inner("Base")
    assert len(_lookups) == 1


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_web_process_knows_the_types_of_all_endpoints_before_its_first_request() -> None:
    # What is defined after the start is learned by the requests.
    program = """
import partner_engine.asgi
from partner_engine.prepared_types import prepare_types
before = prepare_types()
from importlib import import_module
from django.conf import settings
from django.urls import get_resolver
get_resolver(settings.ROOT_URLCONF).url_patterns
assert prepare_types() == before > 500, before
"""
    environment = {**os.environ, "DATABASE_URL": database_url()}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
