"""Two tenants' callers at one busy server read only their own data."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest
from django.conf import settings
from django.db import connection

from catalogue.demo import Sample
from catalogue.models import Release
from tenants.models import ApiClient
from tests.harness.api_client import V1, Api

pytestmark = pytest.mark.django_db


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
class TestOneServer:
    """Two tenants' callers at once, each with many threads, at one process."""

    REQUESTS = 200
    THREADS = 16

    @pytest.fixture
    def server(self, demo: Release) -> Iterator[str]:
        with closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        database = connection.settings_dict
        url = f"postgres://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
        environment = {**os.environ, "DATABASE_URL": url, "DEMO": "1"}
        command = [sys.executable, "-m", "uvicorn", "partner_engine.asgi:application", "--port", str(port)]
        process = subprocess.Popen(
            [*command, "--log-level", "error"], cwd=settings.BASE_DIR, env=environment, stderr=subprocess.DEVNULL
        )
        try:
            wait_for(f"http://127.0.0.1:{port}/readyz")
            yield f"http://127.0.0.1:{port}{V1}"
        finally:
            process.terminate()
            process.wait(10)

    def test_interleaved_calls_read_only_their_own_data(
        self, server: str, harbor_client: ApiClient, summit_client: ApiClient, s1: Sample
    ) -> None:
        apis = [Api(harbor_client), Api(summit_client)]
        copies = [api.start(s1) for api in apis]

        def call(number: int) -> tuple[int, int, str]:
            who, what = number % 2, number // 2 % 4
            path = (f"/copies/{copies[who]['id']}", f"/copies/{copies[1 - who]['id']}", "/application_forms", "/me")[
                what
            ]
            headers = {"Authorization": f"Bearer {apis[who].token}"}
            try:
                with urlopen(Request(f"{server}{path}", headers=headers), timeout=30) as response:  # noqa: S310
                    return who, what, response.read().decode()
            except URLError as error:
                return who, what, f"status {getattr(error, 'code', error)}"

        with ThreadPoolExecutor(self.THREADS) as threads:
            answers = list(threads.map(call, range(2 * self.REQUESTS)))

        names = ("harbor", "summit")
        for who, what, told in answers:
            if what == 1:
                assert told == "status 404"
                continue
            assert copies[1 - who]["id"] not in told
            assert copies[who]["id"] in told if what != 3 else json.loads(told)["tenant"]["code"] == names[who]


def wait_for(address: str) -> None:
    """Wait until a server responds at ``address``."""
    for _ in range(150):
        try:
            with urlopen(address, timeout=2):  # noqa: S310
                return
        except (URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(f"nothing answers at {address}")
