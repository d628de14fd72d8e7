"""A real browser in front of a real server process, on the test's own database."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Final
from uuid import UUID

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from playwright.sync_api import Browser, sync_playwright

from catalogue.models import Release
from tenants.models import User
from tests.harness.cast import PASSWORD
from tests.harness.cut_line import Line, line_to
from tests.harness.form_driver import Driver
from tests.harness.socket_client import start

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
#: The list of Playwright, which ours replaces, and behind it the parts of the address bar that are pages of their own:
#: nobody sees them here, and with them each new window takes three times the processor time.
FEATURES_OFF: Final = (
    *("AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades", "LensOverlay"),
    *("HttpsFirstBalancedModeAutoEnable", "MediaRouter", "PaintHolding", "ThirdPartyStoragePartitioning"),
    *("AvoidCorsURLLoaderRestartOnRedirect", "OptimizationHints", "NetworkTimeServiceQuerying", "AimEnabled"),
    *("PreconnectToSearch", "WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup"),
    "SpareRendererForSitePerProcess",
)
FLAGS: Final = ("--no-sandbox", "--disable-gpu", f"--disable-features={','.join(FEATURES_OFF)}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Chromium; tests open contexts of their own in it."""
    if CHROMIUM is None:
        pytest.skip("There is no Chromium here.")
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Because of Playwright's event loop Django would treat the tests as asynchronous code.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


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
def driver(browser: Browser, server: str, agent: User) -> Iterator[Driver]:
    """Return the agent at a desk-sized window, signed in."""
    with browser.new_context(viewport={"width": 1440, "height": 980}, reduced_motion="reduce") as context:
        driver = Driver(context.new_page(), server)
        driver.enter(agent)
        yield driver
    assert driver.faults == []


@pytest.fixture
def copy_id(server: str, agent: User) -> UUID:
    """Return an empty form's copy."""
    assert agent.tenant is not None
    return start(agent.tenant, agent.as_actor(source="web"))


@pytest.fixture
def line(server: str) -> Iterator[Line]:
    """Return the connection of the second user to the server."""
    with line_to(int(server.rpartition(":")[2])) as line:
        yield line


@pytest.fixture
def other(browser: Browser, line: Line, member: User) -> Iterator[Driver]:
    """Return the colleague at a phone-sized dark window, signed in over a line that can be cut."""
    with browser.new_context(
        viewport={"width": 390, "height": 844}, color_scheme="dark", reduced_motion="reduce", bypass_csp=True
    ) as context:
        driver = Driver(context.new_page(), f"http://127.0.0.1:{line.port}")
        driver.enter(member)
        yield driver
        context.close()
    assert driver.faults == []
