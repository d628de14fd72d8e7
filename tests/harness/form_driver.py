"""Drives a form page as a person does, in the words of the page."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from axe_playwright_python.base import AXE_SCRIPT
from django.conf import settings
from PIL import Image
from playwright.sync_api import ConsoleMessage, Page, expect
from playwright.sync_api import Error as PlaywrightError

from tenants.models import User
from tests.harness.socket_client import session_of
from tests.harness.tiers import IS_FULL

ROOT: Final = Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / "docs" / "screenshots"
#: Only the rules of WCAG count, not axe's best practices.
SERIOUS = frozenset({"serious", "critical"})
#: Themes and sizes of pages.
LOOKS: Final = (("light", 1440, 980), ("dark", 390, 844), ("light", 390, 844), ("dark", 1440, 980))
#: Whether all looks and whole pages are checked.
IS_WHOLE: Final = IS_FULL or "SCREENSHOTS" in os.environ
#: Those of one state of a page. The quick tier looks at the one in which contrast and width fail first.
LOOKS_OF_STATES: Final = LOOKS if IS_WHOLE else LOOKS[1:2]
#: The colors of a picture.
COLORS: Final = 128
SAVED = re.compile(r"^(Saved|\d+ answers? needs? fixing)$")

#: Pauses of the pages: the script in `static/web/` and the name of its constant.
TAB_WAITS: Final = "tab-hold LONGEST_HOLD"
KEYS_REST: Final = "field-editing KEYS_REST"
SAVED_IS_SHOWN: Final = "save-status SAVED_IS_SHOWN"
AWAY_IS_SHOWN: Final = "put-away IS_SHOWN"
#: The pause to hold where keys are typed. The full tier types at the pace of a person, and the page ends its pause.
HELD_IN_TYPING: Final = () if IS_FULL else (KEYS_REST,)
#: Lets `pauses`, milliseconds by the name of the pause, end only when the test calls `endPauses()`, which returns the
#: names of those that ended. A pause is known by its length and by the script that makes it.
HOLD: Final = """(pauses) => {
    const { setTimeout, clearTimeout } = window;
    const held = new Map();
    const nameOf = (pause) => {
        const alike = Object.keys(pauses).filter((name) => pauses[name] === pause);
        // The line after the error's own, this function's and that of `setTimeout`.
        const caller = alike.length ? new Error().stack.split("\\n")[3] : "";
        return alike.find((name) => caller.includes(`/web/${name.split(" ")[0]}.`));
    };
    window.setTimeout = (work, pause, ...more) => {
        const name = nameOf(pause);
        if (!name) return setTimeout(work, pause, ...more);
        const id = setTimeout(() => {}, 3_600_000);
        held.set(id, { name, end: () => work(...more) });
        return id;
    };
    window.clearTimeout = (id) => {
        held.delete(id);
        clearTimeout(id);
    };
    window.endPauses = () => {
        const ending = [...held.values()];
        held.clear();
        for (const { end } of ending) end();
        return ending.map(({ name }) => name);
    };
}"""
#: Ends when the page says that all is saved, or after a while: `expect` would look again only after fixed pauses.
UNTIL_SAVED: Final = """(saved) => new Promise((done) => {
    const isSaved = () => new RegExp(saved).test(document.getElementById("saved")?.textContent.trim());
    if (isSaved()) return done(null);
    const observer = new MutationObserver(() => {
        if (!isSaved()) return;
        observer.disconnect();
        done(null);
    });
    observer.observe(document, { subtree: true, childList: true, characterData: true });
    setTimeout(() => done(null), 20_000);
})"""
#: Returns the faults of the page, or of the field or part `at`, that have one of the `impacts`.
FAULTS: Final = """async ([impacts, at]) => {
    const part = at ? document.querySelector(at) : document;
    const { violations } = await axe.run(part.closest?.(".field") ?? part, { resultTypes: ["violations"] });
    const found = violations.filter(({ impact }) => impacts.includes(impact));
    return found.map(({ id, nodes }) => [id, nodes.slice(0, 3).map(({ html }) => html.slice(0, 160))]);
}"""
#: After a change of theme some inherited colors are still reported as those of the other one, until all styles are new.
RESTYLE = """() => new Promise((done) => {
    for (const sheet of document.styleSheets) sheet.disabled = true;
    document.body.getBoundingClientRect();
    for (const sheet of document.styleSheets) sheet.disabled = false;
    requestAnimationFrame(() => requestAnimationFrame(() => done(null)));
})"""
#: Ends what is moving or changing its color: half-way colors say nothing about the contrast of a page.
STAND_STILL = """() => {
    const ends = (one) => one.effect.getComputedTiming().endTime !== Infinity;
    document.getAnimations().filter(ends).forEach((one) => one.finish());
}"""


class Driver:
    """A person at a page of the product at ``server``."""

    def __init__(self, page: Page, server: str) -> None:
        self.page = page
        self.server = server
        self.faults: list[str] = []
        self._expected: list[str] = []
        # Many times what a quiet machine needs; the server's first page also compiles the catalogue.
        page.set_default_timeout(40_000)
        page.set_default_navigation_timeout(90_000)
        expect.set_options(timeout=20_000)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self._note)

    def _note(self, message: ConsoleMessage) -> None:
        # The browser itself writes refused requests to the console; tests of refusals check the page.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self._record(message.text)

    def _record(self, fault: str) -> None:
        if not any(text in fault for text in self._expected):
            self.faults.append(fault)

    def forget(self, text: str) -> None:
        """Forget the faults with this ``text``, also those of requests whose responses are still on their way."""
        self._expected.append(text)
        self.faults = [fault for fault in self.faults if text not in fault]

    def sign_in(self, email: str, password: str) -> None:
        """Sign in."""
        self.page.goto(f"{self.server}/sign-in")
        self.page.fill("#id_username", email)
        self.page.fill("#id_password", password)
        self.page.click("button[type=submit]")
        self.page.wait_for_url(f"{self.server}/")

    def enter(self, user: User) -> None:
        """Bring a session of ``user``, as one who signed in before; most tests are about something else. No page is
        opened: each test opens its own.
        """
        name, key = settings.SESSION_COOKIE_NAME, session_of(user)
        self.page.context.add_cookies([{"name": name, "value": key, "url": self.server}])

    def hold_pauses(self, *names: str) -> None:
        """Let pauses of pages that are opened from now on last until `endPauses()` is called in the page: on a slow
        machine they would end before the next step. ``names`` are constants such as ``TAB_WAITS``.
        """
        pauses = {name: pause_of(name) for name in names}
        self.page.add_init_script(f"({HOLD})({json.dumps(pauses)})")

    def open(self, copy_id: object) -> None:
        """Open a form page."""
        self.page.goto(f"{self.server}/forms/{copy_id}")

    def is_online(self) -> None:
        """Wait until the form page's socket is open."""
        expect(self.page.locator("#form[data-live]")).to_be_attached()

    def saved(self) -> None:
        """Wait until everything is saved; a saved answer can still need fixing."""
        with contextlib.suppress(PlaywrightError):  # the page may be left meanwhile
            self.page.evaluate(UNTIL_SAVED, SAVED.pattern)
        expect(self.page.locator("#saved")).to_have_text(SAVED)

    def is_asked(self, path: str) -> bool:
        """Return whether the question at ``path`` is on the page."""
        return self.page.locator(f'[data-path="{path}"]').count() > 0

    def answer(self, path: str, value: Any) -> None:
        """Answer the question at ``path`` as a person would, by its kind of field, and wait until it is saved."""
        field = self.page.locator(f'[data-path="{path}"]')
        match field.get_attribute("data-widget"):
            case "segments":
                field.locator(f'input[value="{str(value).lower() if isinstance(value, bool) else value}"]').check()
            case "checks":
                for code in value:
                    field.locator(f'input[value="{code}"]').check()
            case "select":
                field.locator("select").select_option(str(value))
            case "combobox":
                field.locator("input").fill(str(value))
                field.locator("input").press("Tab")
            case _:
                control = field.locator("input:not([data-picker]), textarea")
                control.fill(str(value))
                control.press("Tab")
        self.saved()

    def fill_in(self, prefix: str, answers: dict[str, Any]) -> None:
        """Answer all questions of one place on the page, repeatedly while answers make others appear."""
        left = {code: value for code, value in answers.items() if value is not None}
        while asked := [code for code in left if self.is_asked(f"{prefix}{code}")]:
            for code in asked:
                value = left.pop(code)
                if self.is_asked(f"{prefix}{code}"):
                    self.answer(f"{prefix}{code}", value)

    def fill_in_rows(self, prefix: str, pools: dict[str, list[dict[str, Any]]]) -> None:
        """Add and answer the rows of ``pools`` below ``prefix``, with what is nested in them."""
        for pool, rows in pools.items():
            for number, row in enumerate(rows):
                lines = self.page.locator(f'[id="rows-{(prefix + pool).replace("/", "-")}"] > .row')
                if lines.count() <= number:
                    self.page.click(f'[data-add="{prefix}{pool}"]')
                    expect(lines).to_have_count(number + 1)
                    self.saved()
                path = lines.nth(number).get_attribute("data-row")
                self.fill_in(f"{path}/", row["answers"])
                self.fill_in_rows(f"{path}/", row.get("answer_pools", {}))

    def products(self) -> dict[str, tuple[str, str]]:
        """Return the content of the panel: product code -> (badge, price). A priced product is eligible by default."""
        said = {}
        for product in self.page.locator(".product").all():
            code = (product.get_attribute("id") or "").removeprefix("product-")
            badge, price = product.locator(".product-said .badge"), product.locator(".product-said .price")
            said[code] = (
                badge.inner_text() if badge.count() else "Eligible",
                price.inner_text() if price.count() else "",
            )
        return said

    def access_faults(self, at: str = "") -> list[str]:
        """Return the serious faults that axe finds on the present page. The quick tier looks only at a part ``at``,
        because it takes seconds to look at a page.
        """
        # The page's security policy allows only its own scripts: axe is injected past it, once per page.
        if self.page.evaluate("typeof axe") == "undefined":
            self.page.evaluate(AXE_SCRIPT)
        self.page.evaluate(STAND_STILL)
        part = "" if IS_WHOLE else at
        return [f"{fault} {nodes}" for fault, nodes in self.page.evaluate(FAULTS, [sorted(SERIOUS), part])]

    def check_access(self, at: str = "") -> None:
        """Raise where axe finds a serious fault on the present page; in the quick tier only at ``at``."""
        faults = self.access_faults(at)
        assert not faults, f"{self.page.url}: {faults}"

    def check_in_every_look(
        self, name: str, *, at: str = "", is_known: bool = False, opened: Callable[[], object] | None = None
    ) -> None:
        """Run axe, look for sideways scroll and take a picture in ``LOOKS_OF_STATES``, with the element ``at`` in the
        middle, by default of the top of the page, without a ``name`` no picture. ``opened`` opens again what a change
        of the window closes. The quick tier looks only at ``at`` on pages of forms, of which
        test_form_page.py checks whole ones, and where the rest of the page ``is_known``.
        """
        before = self.page.viewport_size
        is_known = is_known or self.page.locator("#form[data-address]").count() > 0
        faults: list[str] = []
        for theme, width, height in LOOKS_OF_STATES:
            self.page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
            self.page.set_viewport_size({"width": width, "height": height})
            self.page.evaluate(RESTYLE)
            if opened is not None:
                opened()
            if at:
                self.page.locator(at).first.evaluate("(element) => element.scrollIntoView({ block: 'center' })")
            elif opened is None:
                self.page.evaluate("scrollTo(0, 0)")
            faults += [f"{theme} {width}: {fault}" for fault in self.access_faults(at if is_known else "")]
            if self.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                faults.append(f"{theme} {width}: the page scrolls sideways")
            if name:
                self.photograph(f"{name}-{theme}-{width}")
        if before:
            self.page.set_viewport_size(before)
        assert faults == [], f"{name}, {self.page.url}: {faults}"

    def photograph(self, name: str, *, full: bool = False) -> None:
        """Store a screenshot in docs/screenshots if SCREENSHOTS is set."""
        if os.environ.get("SCREENSHOTS"):
            SCREENSHOTS.mkdir(parents=True, exist_ok=True)
            # Hiding the caret would add a style to the page, which the page's security policy refuses.
            picture = self.page.screenshot(full_page=full, caret="initial")
            # Pages have few colors: a palette makes a third of the file.
            small = Image.open(BytesIO(picture)).convert("RGB").quantize(COLORS, dither=Image.Dither.NONE)
            small.save(SCREENSHOTS / f"{name}.png", optimize=True)


def pause_of(name: str) -> int:
    """Return the milliseconds of a pause in a script of the pages by its ``name``, such as ``TAB_WAITS``. No other
    number of the script may be the same: `HOLD` could not tell the two apart.
    """
    script, constant = name.split()
    text = (ROOT / "static" / "web" / f"{script}.js").read_text(encoding="utf-8")
    numbers = re.findall(r"^(?:export )?const (\w+) = ([\d_]+);", text, re.MULTILINE)
    lengths = {found: int(number) for found, number in numbers}
    assert constant in lengths, f"there is no pause {name}"
    alike = [found for found, length in lengths.items() if length == lengths[constant]]
    assert alike == [constant], f"{script} has the same number as {alike}"
    return lengths[constant]
