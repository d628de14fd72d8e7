"""A real browser in front of a real server process, on the test's own database."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from playwright.sync_api import Browser

from catalogue.models import Release
from tenants.models import User
from tests.harness.cast import PASSWORD
from tests.harness.chromium import DESK, PHONE, PROGRAM, Chromium, Window, running_chromium
from tests.harness.cut_line import Line, line_to
from tests.harness.form_driver import Driver
from tests.harness.socket_client import start


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """Start Chromium for all tests of this process."""
    if PROGRAM is None:
        pytest.skip("There is no Chromium here.")
    with running_chromium(PROGRAM) as chromium:
        yield chromium


@pytest.fixture(scope="module")
def browser(chromium: Chromium) -> Iterator[Browser]:
    """Return the browser, in which tests may open contexts of their own."""
    with pytest.MonkeyPatch.context() as patch, chromium.used() as browser:
        # Because of Playwright's event loop Django would treat the tests as asynchronous code.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield browser


@pytest.fixture
def window(chromium: Chromium, browser: Browser) -> Window:
    """Return a function that opens the windows of one more person."""
    return chromium.window


@pytest.fixture
def server(transactional_db: None, demo: Release, web_server: int) -> str:
    """Return the server's address, with the demo catalogue published."""
    return f"http://127.0.0.1:{web_server}"


@pytest.fixture(scope="session")
def password_hash() -> str:
    """Return the hash of the cast's password that the server can check: tests use a cheaper hasher."""
    return PBKDF2PasswordHasher().encode(PASSWORD, "salt")


@pytest.fixture
def agent(owner: User, password_hash: str) -> User:
    """Return the owner with a password that the server can check."""
    owner.password = password_hash
    owner.save()
    return owner


@pytest.fixture
def driver(window: Window, server: str, agent: User) -> Iterator[Driver]:
    """Return the agent at a desk-sized window, signed in."""
    with window(viewport=DESK, reduced_motion="reduce") as context:
        driver = Driver(context.new_page(), server)
        driver.enter(agent)
        yield driver
    assert driver.faults == []


@pytest.fixture
def copy_id(server: str, agent: User) -> UUID:
    """Return an empty form's copy."""
    assert agent.tenant is not None
    return start(agent.tenant, agent.as_actor(source="web"))


@pytest.fixture(scope="session")
def shared_line(web_server: int) -> Iterator[Line]:
    """Return a connection to the server whose address is the same in all tests: what was loaded over it stays."""
    with line_to(web_server) as line:
        yield line


@pytest.fixture
def line(server: str, shared_line: Line) -> Iterator[Line]:
    """Return the connection of the second user to the server."""
    yield shared_line
    shared_line.cut()
    shared_line.to = int(server.rpartition(":")[2])
    shared_line.repair()


@pytest.fixture
def other(window: Window, line: Line, member: User) -> Iterator[Driver]:
    """Return the colleague at a phone-sized dark window, signed in over a line that can be cut."""
    with window(viewport=PHONE, color_scheme="dark", reduced_motion="reduce", bypass_csp=True) as context:
        driver = Driver(context.new_page(), f"http://127.0.0.1:{line.port}")
        driver.enter(member)
        yield driver
    assert driver.faults == []
