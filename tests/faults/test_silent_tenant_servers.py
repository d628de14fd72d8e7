"""The server of a tenant's own database refuses connections, or accepts them and never responds: requests of other
tenants in the same web process are served as before.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

import pytest
from django.db import connections

from tenants.models import ApiClient, Tenant, every_right
from tests.harness.api_client import Api
from tests.harness.cast import SECOND_DATABASE
from tests.harness.faults.proxy import Proxy, proxying
from tests.harness.tiers import PATIENCE
from tests.harness.web_servers import database_url, program, wait_for

pytestmark = [
    pytest.mark.fault,
    pytest.mark.alone,
    pytest.mark.django_db(transaction=True, databases=["default", SECOND_DATABASE]),
]
#: Seconds for which the server is away, and those after which it must be used again.
AWAY: Final = 10.0
BACK: Final = 10.0
#: Requests per second to the tenant of the server that is away, and to the other one.
STUCK: Final = 30.0
OTHERS: Final = 6.0
#: The longest that a request of the other tenant may take, in seconds; one without a place is refused after three.
LONGEST: Final = 2.0
#: The seconds in which at least half of the refusals are sent; a connection is waited for for three.
SOON: Final = 1.0


def refuse(proxy: Proxy) -> None:
    """End all connections, and refuse others."""
    proxy.is_refusing = True
    proxy.reset()


def fall_silent(proxy: Proxy) -> None:
    """Accept connections and statements, and respond to none."""
    proxy.is_blackhole = True


def respond_again(proxy: Proxy) -> None:
    proxy.is_refusing = proxy.is_blackhole = False


class Call(NamedTuple):
    """A request: its status, its seconds, and whether the response says when to try again."""

    status: int
    seconds: float
    says_when: bool


class Course(NamedTuple):
    """The requests to both tenants while the server was away, and how long it took until it was used again."""

    stuck: list[Call]
    others: list[Call]
    seconds_to_return: float


async def get(port: int, token: str) -> Call:
    """Request the list of forms once."""
    began = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        head = f"Host: localhost\r\nAuthorization: Bearer {token}\r\nConnection: close"
        writer.write(f"GET /api/v1/application_forms HTTP/1.1\r\n{head}\r\n\r\n".encode())
        content = await asyncio.wait_for(reader.read(), 2 * PATIENCE)
    finally:
        writer.close()
    headers = content.partition(b"\r\n\r\n")[0].lower()
    return Call(int(content.split()[1]), time.monotonic() - began, b"\r\nretry-after:" in headers)


async def load(port: int, token: str, *, pace: float, seconds: float) -> list[Call]:
    """Send requests at fixed moments for ``seconds``, whether earlier ones have ended or not."""
    began, tasks = time.monotonic(), list[asyncio.Task[Call]]()
    for number in range(int(pace * seconds)):
        await asyncio.sleep(max(0.0, began + number / pace - time.monotonic()))
        tasks.append(asyncio.create_task(get(port, token)))
    return await asyncio.gather(*tasks)


@contextmanager
def serving(proxy: Proxy, application: str) -> Iterator[int]:
    """Serve the tests' databases, the tenant's own one through the proxy; yield the port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server, _, _ = database_url().rpartition("/")
    name = connections[SECOND_DATABASE].settings_dict["NAME"]
    own = f"{server.rpartition(':')[0]}:{proxy.port}/{name}"
    command = [sys.executable, "-m", "uvicorn", application, "--port", str(port)]
    with program(
        [*command, "--log-level", "critical"],
        more={f"TENANT_DATABASE_{SECOND_DATABASE.upper()}": own, "LOG_LEVEL": "CRITICAL"},
    ) as process:
        wait_for(port, process)
        yield port


def run(go_away: Callable[[Proxy], None], stuck: str, other: str, *, application: str) -> Course:
    """Send requests of both tenants while the server of one is away; each is named by its token."""
    with proxying(int(connections["default"].settings_dict["PORT"])) as proxy, serving(proxy, application) as port:
        # As many at once as the pool has connections, and more.
        for token in (stuck, other) * 2:
            assert {call.status for call in asyncio.run(load(port, token, pace=200, seconds=0.2))} == {200}
        go_away(proxy)

        async def both() -> tuple[list[Call], list[Call]]:
            stuck_calls = asyncio.create_task(load(port, stuck, pace=STUCK, seconds=AWAY))
            other_calls = await load(port, other, pace=OTHERS, seconds=AWAY)
            # Statements that never get a response end when the server does.
            proxy.reset()
            respond_again(proxy)
            return await stuck_calls, other_calls

        calls = asyncio.run(both())
        returned = time.monotonic()
        while asyncio.run(get(port, stuck)).status != 200:
            assert time.monotonic() - returned < PATIENCE
            time.sleep(0.2)
        return Course(*calls, time.monotonic() - returned)


@pytest.fixture
def tokens(demo: object, harbor_client: ApiClient, summit_apart: Tenant) -> tuple[str, str]:
    """Return a token of the tenant with a database of its own, and one of a tenant of the shared database."""
    apart = ApiClient.objects.create(
        client_id="apart", name="Apart", allowed_scopes=every_right(), tenant=summit_apart
    )  # fmt: skip
    return Api(apart).token, Api(harbor_client).token


def broken_promises(course: Course) -> list[str]:
    """Print the figures of a run; return what must not be."""
    refused = [call for call in course.stuck if call.status != 200]
    figures = {
        "others": _middle_and_most(course.others),
        "refused": _middle_and_most(refused),
    }
    sys.stdout.write(f"{Counter(call.status for call in course.others + course.stuck)}, seconds: {figures}\n")
    others = Counter(call.status for call in course.others)
    found = {
        f"others were refused: {others}": set(others) != {200},
        f"others waited for {figures['others'][1]} s": figures["others"][1] >= LONGEST,
        "refusals are no 503 with Retry-After": {(call.status, call.says_when) for call in refused} != {(503, True)},
        "few were refused": len(refused) < len(course.stuck) / 2,
        f"half of the refusals took more than {figures['refused'][0]} s": figures["refused"][0] >= SOON,
        f"the server was used after {course.seconds_to_return} s": course.seconds_to_return >= BACK,
    }
    return [sentence for sentence, is_so in found.items() if is_so]


def _middle_and_most(calls: list[Call]) -> tuple[float, float]:
    seconds = sorted(round(call.seconds, 3) for call in calls)
    return seconds[len(seconds) // 2], seconds[-1]


@pytest.mark.parametrize("go_away", [refuse, fall_silent])
def test_requests_of_other_tenants_are_served(tokens: tuple[str, str], go_away: Callable[[Proxy], None]) -> None:
    assert broken_promises(run(go_away, *tokens, application="partner_engine.asgi:application")) == []


@pytest.mark.parametrize(
    ("sabotage", "found"),
    [("any_number_waits", "half of the refusals took"), ("shared_connections_are_held", "others were refused")],
)
def test_the_load_finds_requests_that_others_wait_for(tokens: tuple[str, str], sabotage: str, found: str) -> None:
    course = run(refuse, *tokens, application=f"tests.harness.sabotaged_waits:application_{sabotage}")

    assert [sentence for sentence in broken_promises(course) if sentence.startswith(found)] != []
