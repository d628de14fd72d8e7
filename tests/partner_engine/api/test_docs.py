"""The commands of the pages in docs/ run as written, and the tables list the existing addresses."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings

from partner_engine.api.urls import ROUTES
from tenants.flags import BATCH_OPERATIONS
from tenants.models import ApiClient, Flag, Tenant, every_right
from tests.harness.web_servers import ROOT, serve

BASH = shutil.which("bash") or "/bin/sh"
TEXT = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def port(django_db_setup: None) -> Iterator[int]:
    """Return the port of a server that the tests of this module share. They need the same flags and limits; the
    server of all tests may remember those of a test of another module.
    """
    with serve() as port:
        yield port


@pytest.mark.skipif(shutil.which("curl") is None, reason="the commands need curl")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("page", "printed"),
    [("api.md", '"dry_run":true'), ("operations.md", '"state":"completed"'), ("integrate.md", '"cursor":')],
)
def test_the_commands_run(
    page: str, printed: str, port: int, demo: None, harbor: Tenant, tmp_path: Path, settings: LazySettings
) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    Flag.objects.create(name=BATCH_OPERATIONS, everyone=True)
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]  # as the server has it
    ApiClient.objects.create(
        client_id="harbor-demo",
        client_secret="harbor-demo-secret",
        name="Demo",
        allowed_scopes=every_right(),
        tenant=harbor,
        client_type=ApiClient.CLIENT_CONFIDENTIAL,
        authorization_grant_type=ApiClient.GRANT_CLIENT_CREDENTIALS,
    )
    script = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
    script = script.replace("curl -s ", "curl -sS --fail-with-body ")

    script = script.replace("http://localhost:8000", f"http://127.0.0.1:{port}")
    done = subprocess.run([BASH, "-euc", script], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert printed in done.stdout


def test_every_address_is_documented() -> None:
    told = {found.rstrip(".") for found in re.findall(r"/[a-z_./{}]+", TEXT)}
    actions = {"restore", "lock", "unlock", "make_base"}

    for address, _ in ROUTES.values():
        plain = "/" + re.sub(r"<\w+:(\w+)>", r"{\1}", address)
        assert plain in told or plain.rpartition("/")[2] in actions or f"/api/v1{plain}" in told, plain
