"""Two tenants' callers at one busy server read only their own data."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from catalogue.demo import Sample
from catalogue.models import Release
from tenants.models import ApiClient
from tests.harness.api_client import Api
from tests.harness.web_servers import Answer, call


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
class TestOneServer:
    """Two tenants' callers at once, each with many threads, at one process."""

    REQUESTS = 200
    THREADS = 16

    def test_interleaved_calls_read_only_their_own_data(
        self, demo: Release, web_server: int, harbor_client: ApiClient, summit_client: ApiClient, s1: Sample
    ) -> None:
        apis = [Api(harbor_client), Api(summit_client)]
        copies = [api.start(s1) for api in apis]

        def get(number: int) -> tuple[int, int, Answer]:
            who, what = number % 2, number // 2 % 4
            paths = (f"/copies/{copies[who]['id']}", f"/copies/{copies[1 - who]['id']}", "/application_forms", "/me")
            return who, what, call(web_server, "GET", paths[what], apis[who].token)

        with ThreadPoolExecutor(self.THREADS) as threads:
            answers = list(threads.map(get, range(2 * self.REQUESTS)))

        names = ("harbor", "summit")
        for who, what, answer in answers:
            if what == 1:
                assert answer.status == 404
                continue
            assert answer.status == 200
            assert copies[1 - who]["id"] not in answer.content.decode()
            if what == 3:
                assert answer.json()["tenant"]["code"] == names[who]
            else:
                assert copies[who]["id"] in answer.content.decode()
