"""One Chromium for all browser tests of a process, and the windows that they share.

A new context has an empty cache: its first page loads and compiles a hundred scripts. So a context is used again by
later tests, without the cookies, permissions and pages of those before. It is closed if pages stored anything else.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final

from django.db import connections
from playwright.sync_api import Browser, BrowserContext, BrowserType, sync_playwright

PROGRAM: Final = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
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

#: Opens the windows of one more person, by the options of Playwright's ``new_context``.
Window = Callable[..., AbstractContextManager[BrowserContext]]
DESK: Final = {"width": 1440, "height": 980}
PHONE: Final = {"width": 390, "height": 844}


class Chromium:
    """A running Chromium. ``launch`` starts it again where it ended: else all tests after that would fail."""

    def __init__(self, launch: Callable[[], Browser], loop: asyncio.AbstractEventLoop) -> None:
        self.browser = launch()
        self._launch = launch
        self._loop = loop
        self._idle: dict[str, list[BrowserContext]] = {}

    def running(self) -> Browser:
        """Return the browser, or a new one if it ended."""
        if not self.browser.is_connected():
            self._idle = {}
            self.browser = self._launch()
        return self.browser

    @contextmanager
    def used(self) -> Iterator[Browser]:
        """Yield the browser for the tests of a module. Only there Playwright's event loop counts as running: other
        tests have loops of their own.
        """
        asyncio._set_running_loop(self._loop)
        try:
            yield self.running()
        finally:
            # Under a running loop the tests have connections of their own, which nobody else would close.
            connections.close_all()
            asyncio._set_running_loop(None)

    @contextmanager
    def window(self, **look: Any) -> Iterator[BrowserContext]:
        """Yield a context of one person that looks like ``look``, the options of Playwright's ``new_context``."""
        browser = self.running()
        idle = self._idle.setdefault(repr(sorted(look.items())), [])
        context = idle.pop() if idle else browser.new_context(**look)
        try:
            yield context
        finally:
            if browser.is_connected():
                if clear(context):
                    idle.append(context)
                else:
                    context.close()


def clear(context: BrowserContext) -> bool:
    """Clear a context for a later test. Return False if its pages stored what cannot be cleared."""
    # Open pages are read at once; for those that are closed a new one would be opened.
    has_stored = bool(context.storage_state()["origins"])
    for page in context.pages:
        page.close()
    context.clear_cookies()
    context.clear_permissions()
    return not has_stored


@contextmanager
def running_chromium(program: str) -> Iterator[Chromium]:
    """Start Chromium; end it afterwards."""
    with sync_playwright() as playwright:
        loop = asyncio.get_running_loop()
        chromium = Chromium(lambda: launch(playwright.chromium, program), loop)
        asyncio._set_running_loop(None)
        yield chromium
        asyncio._set_running_loop(loop)
        chromium.browser.close()


def launch(kind: BrowserType, program: str) -> Browser:
    """Start ``program``, a Chromium."""
    return kind.launch(executable_path=program, args=list(FLAGS))
