"""The windows that browser tests share: what one test stores in them reaches no other."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from playwright.sync_api import Browser
from playwright.sync_api import Error as PlaywrightError

from tests.harness.chromium import PROGRAM, Chromium, Window, launch
from tests.harness.tiers import until

pytestmark = pytest.mark.browser

#: A look of no other test.
LOOK = {"width": 701, "height": 501}


def test_a_window_is_used_again_unless_its_pages_stored_something(window: Window, server: str) -> None:
    with window(viewport=LOOK) as first:
        first.new_page().goto(f"{server}/sign-in")
        assert first.cookies()

    with window(viewport=LOOK) as second:
        assert second is first
        assert second.cookies() == []
        page = second.new_page()
        page.goto(f"{server}/sign-in")
        page.evaluate("localStorage.setItem('theme', 'dark')")

    with window(viewport=LOOK) as third:
        assert third is not second
        page = third.new_page()
        page.goto(f"{server}/sign-in")
        assert page.evaluate("localStorage.length") == 0


def test_a_browser_that_ends_is_started_again(browser: Browser) -> None:
    assert PROGRAM is not None
    program, kind = PROGRAM, browser.browser_type
    own = Chromium(lambda: launch(kind, program), asyncio.get_running_loop())
    with own.window() as context:
        page = context.new_page()
        with contextlib.suppress(PlaywrightError):
            own.browser.new_browser_cdp_session().send("Browser.crash")
        until(lambda: _is_over(own.browser))

    with own.window() as again:
        assert again is not context
        assert again.new_page().evaluate("1 + 1") == 2
    assert page.is_closed()
    own.browser.close()


def _is_over(browser: Browser) -> bool:
    """Return whether Playwright has learned that ``browser`` ended: it reads its messages only when called."""
    with contextlib.suppress(PlaywrightError):
        browser.new_context().close()
    return not browser.is_connected()
