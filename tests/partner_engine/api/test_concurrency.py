"""Many callers at once, against real server processes."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from typing import Any

import pytest

from catalogue.demo import Sample
from forms.models import ApplicationForm
from partner_engine.api.http.endpoint import MAX_BODY_BYTES
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.api_client import Api, form_body
from tests.harness.web_servers import Answer, call, serve

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Run ``work(number)`` in ``count`` threads that start together; return the results in order."""
    barrier = threading.Barrier(count)

    def run(number: int) -> Any:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@pytest.fixture(scope="module")
def port(django_db_setup: None) -> Iterator[int]:
    """Return the port of two server processes."""
    with serve(processes=2) as port:
        yield port


def until_done(send: Callable[[], Answer]) -> Answer:
    """Repeat a request as its responses request, as a careful client does."""
    answer = send()
    while answer.status in (409, 503):
        time.sleep(int(answer.headers["retry-after"]) / 10)
        answer = send()
    return answer


def test_one_key_at_once_has_one_effect_and_equal_answers(port: int, api: Api, harbor: Tenant, s1: Sample) -> None:
    body = form_body(s1)

    answers = at_once(
        12, lambda _: until_done(lambda: call(port, "POST", "/application_forms", api.token, body, Idempotency_Key="k"))
    )

    assert {answer.status for answer in answers} == {201}
    assert len({(answer.content, answer.headers["etag"], answer.headers["location"]) for answer in answers}) == 1
    with use_tenant(harbor):
        assert ApplicationForm.objects.count() == 1
    copy = answers[0].json()["id"]
    change = {"answers": {"mqs_gl_limit": "l2m"}}
    answers = at_once(
        12,
        lambda _: until_done(
            lambda: call(port, "PATCH", f"/copies/{copy}/answers", api.token, change, Idempotency_Key="change")
        ),
    )
    assert {(answer.status, answer.headers["etag"]) for answer in answers} == {(200, '"2"')}
    assert len({answer.content for answer in answers}) == 1


#: Versions that a run has to make, and seconds that a busy machine gets for them.
ENOUGH, PATIENCE = 5, 60.0


def write_for(port: int, token: str, copy: str, *, writers: int, seconds: float) -> tuple[list[int], Counter[int]]:
    """Let writers count one answer up with ``If-Match``; return the versions they made and all statuses they saw."""
    end, path = time.monotonic() + seconds, f"/copies/{copy}"
    made: list[int] = []
    statuses: Counter[int] = Counter()

    def write(number: int) -> None:
        # On a busy machine, until enough versions are made.
        while time.monotonic() < end or (len(made) < ENOUGH and time.monotonic() < end + PATIENCE):
            read = until_done(lambda: call(port, "GET", path, token))
            value = read.json()["answers"]["mqs_full_time_emp"]["value"] + 1
            change = {"answers": {"mqs_full_time_emp": value}}
            answer = call(port, "PATCH", f"{path}/answers", token, change, If_Match=read.headers["etag"])
            statuses[answer.status] += 1
            if answer.status == 200:
                made.append(answer.json()["version"])

    at_once(writers, write)
    return made, statuses


@pytest.mark.parametrize(
    ("writers", "seconds"), [(8, 2.0), pytest.param(50, 10.0, marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_writers_of_one_copy_lose_no_update(port: int, api: Api, s1: Sample, writers: int, seconds: float) -> None:
    copy = api.start(s1)

    made, statuses = write_for(port, api.token, copy["id"], writers=writers, seconds=seconds)

    after = api.get(f"/copies/{copy['id']}").json()
    assert sorted(made) == list(range(2, len(made) + 2)), "every version was made by exactly one writer"
    assert after["version"] == len(made) + 1
    first = copy["answers"]["mqs_full_time_emp"]["value"]
    assert after["answers"]["mqs_full_time_emp"]["value"] == first + len(made)
    assert set(statuses) <= {200, 409, 412, 503}
    assert len(made) >= ENOUGH


def test_a_body_in_chunks_is_read_and_limited(port: int, api: Api) -> None:
    small = call(port, "POST", "/application_forms", api.token, iter([b'{"title": ', b'"In chunks"}']))
    large = call(port, "POST", "/application_forms", api.token, repeat(b" " * 65_536, MAX_BODY_BYTES // 65_536 + 1))

    assert (small.status, small.json()["title"]) == (201, "In chunks")
    assert (large.status, large.headers["content-type"]) == (413, "application/problem+json")
