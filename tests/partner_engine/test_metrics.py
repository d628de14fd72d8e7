"""``/metrics`` is for the networks and the token of the settings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from pytest_django import Settings

from partner_engine.environment import networks
from tests.harness.cast import SECOND_DATABASE
from tests.harness.tiers import amount
from tests.harness.web_servers import database_url

pytestmark = pytest.mark.django_db(databases=["default", SECOND_DATABASE])

FIGURES = b"django_http_requests_total_by_view_transport_method_total"


@pytest.mark.parametrize(
    ("address", "is_let_in"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("10.1.2.3", True),
        ("192.0.2.1", False),
        ("::ffff:192.0.2.1", False),
        ("2001:db8::1", False),
        ("", False),
        ("unix", False),
    ],
)
def test_only_the_named_networks_have_access(settings: Settings, address: str, is_let_in: bool) -> None:
    settings.METRICS_NETWORKS = networks(["127.0.0.0/8", "::1", "10.0.0.0/8"])

    response = Client().get("/metrics", REMOTE_ADDR=address)

    assert (response.status_code, FIGURES in response.content) == ((200, True) if is_let_in else (403, False))


@pytest.mark.parametrize(
    ("header", "is_let_in"),
    [("Bearer quiet-lantern", True), ("bearer quiet-lantern", True), ("Bearer quiet", False), ("Bearer ", False),
     ("quiet-lantern", False), ("Basic quiet-lantern", False), ("Bearer \xfc", False)],
)  # fmt: skip
def test_the_token_gives_access_from_anywhere(settings: Settings, header: str, is_let_in: bool) -> None:
    settings.METRICS_TOKEN = "quiet-lantern"

    response = Client().get("/metrics", REMOTE_ADDR="192.0.2.1", HTTP_AUTHORIZATION=header)

    assert response.status_code == (200 if is_let_in else 403)


def test_no_token_is_not_an_empty_one(settings: Settings) -> None:
    settings.METRICS_TOKEN = ""

    assert Client().get("/metrics", REMOTE_ADDR="192.0.2.1", HTTP_AUTHORIZATION="Bearer ").status_code == 403


def test_behind_a_proxy_its_clients_address_counts(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = 1

    assert Client().get("/metrics", HTTP_X_FORWARDED_FOR="127.0.0.1, 192.0.2.1").status_code == 403
    assert Client().get("/metrics", HTTP_X_FORWARDED_FOR="192.0.2.1, 127.0.0.1").status_code == 200


def test_an_invalid_network_is_refused_at_the_start() -> None:
    with pytest.raises(ImproperlyConfigured, match="METRICS_NETWORKS"):
        networks(["10.0.0.0/99"])


def fuzzed() -> str:
    """Send requests with invented methods and paths; return the metrics after them."""
    client = Client(raise_request_exception=False)
    places = ["/", "/admin/", "/api/v1/me", "/o/token/", "/guest/x", "/static/x", "/healthz", "/carrier_callbacks/x"]
    for number in range(amount(4, full=12)):
        for place in places:
            for method in ("GET", "HEAD", "PUT", "DELETE", f"METHOD{number}", "get", "\u0130"):
                client.generic(method, f"{place}{number}/%ff{'x' * number}")
            client.generic("TRACE", place, headers={"Host": f"host{number}.example"})
    return client.get("/metrics").content.decode()


def test_fuzzed_methods_and_paths_add_few_lines() -> None:
    # In a process of its own: in this one other tests have added labels.
    work = "import django; django.setup(); from django.test.utils import setup_test_environment as begin; begin(); "
    work += "from tests.partner_engine.test_metrics import fuzzed; print('began', fuzzed(), sep='\\n')"
    environment = {**os.environ, "DATABASE_URL": database_url()}
    done = subprocess.run([sys.executable, "-c", work], env=environment, capture_output=True, text=True, check=True)

    lines = done.stdout.partition("began\n")[2].splitlines()

    assert 100 < len(lines) <= 500, len(lines)
    assert any("django_http" in line for line in lines)
    assert not [line for line in lines if "METHOD" in line or "xx" in line or "host1" in line]


def test_counts_of_other_programs_of_the_machine_are_included(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = "import django; django.setup(); from actions.relay import ended; ended.labels('greet_owner', 'done').inc(3)"
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", work], env=environment, check=True)
    counted = b'partner_engine_actions_total{kind="greet_owner",outcome="done"} 3.0'

    alone = Client().get("/metrics").content
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    together = Client().get("/metrics").content

    assert (counted in alone, counted in together) == (False, True)
