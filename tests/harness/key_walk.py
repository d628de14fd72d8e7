"""Fills in a form with real key presses alone, from field to field by Tab, and notes what the page does meanwhile."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Any, Final

from playwright.sync_api import Page, expect

from copies.paths import Path
from rules.definition.model import CompiledCatalogue
from tests.harness.form_driver import SAVED, UNTIL_SAVED

#: Notes the time from the last key in a field to its "Saved", what moves, and signs that contradict each other.
WATCH: Final = """() => {
    const notes = (window.notes = { times: [], shifts: 0, ownShifts: [], contradictions: [] });
    const pressed = new Map();
    const fieldOf = (element) => element?.closest?.(".field[data-path]");
    addEventListener("keydown", ({ target }) => {
        const field = fieldOf(target);
        if (field) pressed.set(field.dataset.path, performance.now());
    }, true);
    const saves = { subtree: true, attributeFilter: ["data-save"], attributeOldValue: true };
    new MutationObserver((changes) => {
        for (const { target, oldValue } of changes) {
            const { path, save } = target.dataset;
            // A field that is saved already is left by Tab: that key saves nothing.
            if (oldValue !== "saving" || save !== "saved" || !pressed.has(path)) continue;
            const since = pressed.get(path);
            pressed.delete(path);
            // Painted is what the next frame shows.
            requestAnimationFrame(() => notes.times.push(performance.now() - since));
        }
    }).observe(document.getElementById("form"), saves);
    // A shift within half a second of a key is expected, and so is one of the response to a key on a slow machine.
    let settled = -1_000;
    document.addEventListener("htmx:afterSettle", () => { settled = performance.now(); });
    new PerformanceObserver((list) => {
        for (const { hadRecentInput, startTime, value } of list.getEntries()) {
            if (!hadRecentInput && Math.abs(startTime - settled) > 500) notes.shifts += value;
        }
    }).observe({ type: "layout-shift" });
    // Where the layout has an element, whatever an animation makes of it.
    const topOf = (element) => (element ? element.offsetTop + topOf(element.offsetParent) : 0);
    let hand = null;
    const look = () => {
        const field = fieldOf(document.activeElement);
        const place = field && { id: field.id, top: topOf(field) - scrollY, scroll: scrollY };
        if (place && hand?.id === place.id && hand.scroll === place.scroll && Math.abs(hand.top - place.top) > 1) {
            notes.ownShifts.push([field.dataset.path, place.top - hand.top]);
        }
        hand = place;
        for (const saved of document.querySelectorAll('.field[data-save="saved"]')) {
            const isWrong = saved.querySelector("[aria-invalid=true], .notes .error");
            if (isWrong) notes.contradictions.push(saved.dataset.path);
        }
        requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
}"""
#: What the head, the list of faults and the question sets say of answers to fix.
COUNTS: Final = """() => {
    const number = (text) => Number(/\\d+/.exec(text)?.[0] ?? 0);
    const isShown = (element) => !element.closest("[hidden]");
    const signs = [...document.querySelectorAll(".sets .fix")].filter(isShown);
    return [
        number(document.getElementById("saved").textContent),
        [...document.querySelectorAll("#faults li")].filter(isShown).length,
        signs.reduce((sum, sign) => sum + number(sign.textContent), 0),
    ];
}"""
#: Waits until another element than this one has the focus; the page's security policy refuses Playwright's own wait.
ELSEWHERE: Final = """(before) => new Promise((done, fail) => {
    const end = performance.now() + 40_000;
    const look = () => {
        if (document.activeElement !== before && document.activeElement !== document.body) return done(null);
        return performance.now() > end ? fail(new Error("The focus stays.")) : requestAnimationFrame(look);
    };
    look();
})"""
#: The rows of the page by path, with their places in their pools.
ROWS: Final = """Object.fromEntries([...document.querySelectorAll(".row[data-row]")].map(
    (row) => [row.dataset.row, [...row.parentElement.children].indexOf(row)]))"""
#: The paths of the fields without an answer.
EMPTY: Final = "[...document.querySelectorAll('.field[data-path][data-empty]')].map(({ dataset }) => dataset.path)"
#: The stop that has the focus.
FOCUSED: Final = """() => {
    const element = document.activeElement;
    const field = element.closest(".field[data-path]");
    return {
        path: field?.dataset.path ?? "",
        widget: field?.dataset.widget ?? "",
        isEmpty: field?.hasAttribute("data-empty") ?? false,
        value: element.value ?? "",
        type: element.type ?? "",
        text: element.textContent.trim(),
        data: { ...element.dataset },
        isPage: element === document.body,
    };
}"""
#: The stop with the rows, and what is left with them: one look at the page each.
STOP_AND_ROWS: Final = f"() => [({FOCUSED})(), {ROWS}]"
EMPTY_AND_ROWS: Final = f"() => [{EMPTY}, {ROWS}]"


@dataclass
class KeyWalk:
    """A person who fills in the form of ``page`` by keys; ``answers`` and ``pools`` are in the shape of the API."""

    page: Page
    catalogue: CompiledCatalogue
    answers: Mapping[str, Any]
    pools: Mapping[str, list[dict[str, Any]]]
    #: Characters that are typed into fields.
    typed: int = 0
    #: Keys that lead from one place to the next, choose, and give orders.
    around: int = 0
    #: What was stopped at: paths of fields, and the texts of buttons.
    stops: list[str] = field(default_factory=list)
    _rows: dict[str, int] = field(default_factory=dict)

    @property
    def keys(self) -> int:
        """Return the number of keys pressed."""
        return self.typed + self.around

    def press(self, *keys: str) -> None:
        """Press ``keys`` one after the other."""
        for key in keys:
            self.page.keyboard.press(key)
            self.around += 1

    def type(self, text: str) -> None:
        """Type ``text``."""
        for character in text:
            self.page.keyboard.press("Space" if character == " " else character)
            self.typed += 1

    def saved(self) -> None:
        """Wait until all is saved; head, list and menu then say the same."""
        self.page.evaluate(UNTIL_SAVED, SAVED.pattern)
        expect(self.page.locator("#saved")).to_have_text(SAVED)
        counts = self.page.evaluate(COUNTS)
        assert len(set(counts)) == 1, counts

    def walk(self, *, until: str) -> None:
        """Go from stop to stop until nothing at the element ``until`` is missing any more, for 400 stops at most."""
        done = self.page.locator(until)
        for _ in range(400):
            self._do(self._look())
            self.saved()
            if not self.left() and done.count():
                return
            self._next()
        raise AssertionError(f"still missing: {self.left()} after {self.stops}")

    def left(self) -> list[str]:
        """Return the paths on the page that have a value to enter and are not answered."""
        empty, self._rows = self.page.evaluate(EMPTY_AND_ROWS)
        return [path for path in empty if self.value(path) is not None]

    def value(self, path: str) -> Any:
        """Return the value to enter at ``path``, None for a question to leave alone."""
        place = Path(path)
        row = self.row(place.row)
        return (row["answers"] if row else self.answers).get(place.code) if row or not place.row else None

    def row(self, path: str) -> dict[str, Any] | None:
        """Return the row to enter at ``path`` by its place in its pool."""
        pools: Mapping[str, Any] = self.pools
        found: dict[str, Any] | None = None
        for around in [*Path(path).rows_around(), path] if path else []:
            number = self._rows[around]
            rows = pools.get(Path(around).pool, [])
            if number >= len(rows):
                return None
            found = rows[number]
            pools = found.get("answer_pools", {})
        return found

    def _look(self) -> dict[str, Any]:
        """Return the stop that has the focus."""
        stop: dict[str, Any]
        stop, self._rows = self.page.evaluate(STOP_AND_ROWS)
        return stop

    def _next(self) -> None:
        self._go("Tab")

    def _go(self, key: str) -> None:
        """Press ``key`` and wait for the focus to be elsewhere."""
        before = self.page.evaluate_handle("document.activeElement")
        self.press(key)
        self.page.evaluate(ELSEWHERE, before)

    def _do(self, stop: dict[str, Any]) -> None:
        """Do what is to be done at a stop."""
        self.stops.append(stop["path"] or stop["text"])
        data = stop["data"]
        if "sameAs" in data:
            self._go("Enter")
            self.saved()
            return self._do(self._look())
        if "add" in data and self._wants_row(data["add"]):
            rows = self.page.locator(f'[id="rows-{data["add"].replace("/", "-")}"] > .row')
            number = rows.count()
            self._go("Enter")
            expect(rows).to_have_count(number + 1)
            self.saved()
            return self._do(self._look())
        value = self.value(stop["path"]) if stop["path"] else None
        if value is not None and (stop["isEmpty"] or stop["widget"] == "checks"):
            self._enter(stop, value)
        return None

    def _wants_row(self, path: str) -> bool:
        row = self.row(Path(path).row) if Path(path).row else None
        wanted = (row.get("answer_pools", {}) if row else self.pools).get(Path(path).code, [])
        return self.page.locator(f'[id="rows-{path.replace("/", "-")}"] > .row').count() < len(wanted)

    def _enter(self, stop: dict[str, Any], value: Any) -> None:
        question = self.catalogue.questions[Path(stop["path"]).code].question
        match stop["widget"]:
            case "checks":
                if stop["value"] in value and not self.page.evaluate("document.activeElement.checked"):
                    self.press("Space")
                    self.saved()
            case "segments":
                code = str(value).lower() if isinstance(value, bool) else value
                options = self.page.evaluate(
                    """() => {
                        const { name } = document.activeElement;
                        return [...document.getElementsByName(name)].map(({ value }) => value);
                    }"""
                )
                self.press(*["ArrowRight"] * options.index(code) if options.index(code) else ["Space"])
                if not options.index(code):
                    self.saved()
            case "select":
                labels = [label.lower() for label in self.catalogue.choices(question).values()]
                label = self.catalogue.choices(question)[value].lower()
                length = next(
                    size
                    for size in range(1, len(label) + 1)
                    if next(other for other in labels if other.startswith(label[:size])) == label
                )
                self.type(label[:length])
            case "search":
                self.type(str(value))
                expect(self.page.locator(".field:focus-within").get_by_role("option")).to_have_count(1)
            case _:
                self.type(_as_typed(question.type, value))

    def report(self) -> str:
        """Return the measured times and counts in one line."""
        times = sorted(self.page.evaluate("window.notes.times"))
        slow = quantiles(times, n=20)[-1]
        return (
            f"{self.keys} keys: {self.typed} typed, {self.around} to get around and choose; "
            f"{len(times)} saves, key to saved: median {median(times):.0f} ms, p95 {slow:.0f} ms"
        )


def _as_typed(question_type: str, value: Any) -> str:
    """Return ``value`` as a person types it."""
    if question_type == "date":
        year, month, day = str(value).split("-")
        return f"{int(month)}/{int(day)}/{year[2:]}"
    if question_type in ("fein", "phone"):
        return re.sub(r"\D", "", str(value))
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text.removeprefix("0") if question_type == "decimal" else text
