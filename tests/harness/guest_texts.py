"""The English texts that guests can read: of templates, scripts, and sentences of modules, with ``{}`` for values."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.house.test_promises import CHECKOUT

_SAY: Final = re.compile(
    r"""(?:(?:default|yesno):)?(['"])((?:(?!\1).)+)\1\|(?:yesno:(['"])((?:(?!\3).)+)\3\|)?(?:capfirst\|)?say\b"""
)
_YESNO: Final = re.compile(r"""(?:yesno|default):(['"])((?:(?!\1).)+)\1\|say\b""")
_WORDS: Final = re.compile(r"{% words[^%]*%}(.*?){% endwords %}", re.DOTALL)
_SCRIPT: Final = re.compile(r"""(?<![.\w])say\(\s*"((?:[^"\\]|\\.)*)\"""")
_IMPORT: Final = re.compile(r"""(?:from|import) "(\.[^"]+)\"""")
_SENTENCE: Final = re.compile(r"[A-Z{].* .*[.?]", re.DOTALL)
#: Modules whose sentences guests read: refusals and doubts of typed answers, the rules' own messages, refused saves.
MODULES: Final = (
    *("rules/types/*.py", "batch/errors.py", "guests/errors.py"),
    *("partner_engine/web/pages/fields.py", "partner_engine/web/guests.py", "partner_engine/web/access.py"),
)
#: Calls whose sentences are for authors of catalogues and for programmers.
_NOT_SHOWN: Final = frozenset({"InvalidValidator", "ValueError", "UnknownType", "TypeError", "AssertionError"})


def of_templates() -> set[str]:
    """Return the texts that templates translate."""
    found: set[str] = set()
    for path in (CHECKOUT / "templates" / "web").rglob("*.html"):
        source = path.read_text(encoding="utf-8")
        found |= {" ".join(text.split()) for text in _WORDS.findall(source)}
        found |= {text for _, text, *_ in _SAY.findall(source) if "," not in text or " " in text.partition(",")[2][:1]}
        for _, choices in _YESNO.findall(source):
            found |= (
                set(choices.split(","))
                if f'yesno:"{choices}"' in source or f"yesno:'{choices}'" in source
                else {choices}
            )
    return found


def of_scripts() -> set[str]:
    """Return the texts of the scripts of guests' pages."""
    found: set[str] = set()
    for path in _reached(CHECKOUT / "static/web/pages/guest-form.js") | _reached(
        CHECKOUT / "static/web/pages/guest-link.js"
    ):
        found |= set(_SCRIPT.findall(path.read_text(encoding="utf-8")))
    return found


def _reached(entry: Path, known: frozenset[Path] = frozenset()) -> set[Path]:
    found = set(known) | {entry}
    for name in _IMPORT.findall(entry.read_text(encoding="utf-8")):
        path = (entry.parent / name).resolve()
        if path not in found:
            found |= _reached(path, frozenset(found))
    return found


def of_modules() -> dict[str, str]:
    """Return the sentences of ``MODULES``, with ``{}`` for their values, and where each is."""
    found: dict[str, str] = {}
    for pattern in MODULES:
        for path in sorted(CHECKOUT.glob(pattern)):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for text, line in _sentences(tree):
                found.setdefault(text, f"{path.relative_to(CHECKOUT)}:{line}")
    return found


def _sentences(node: ast.AST) -> Iterator[tuple[str, int]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
            continue  # a docstring
        if isinstance(child, ast.Call) and getattr(child.func, "id", "") in _NOT_SHOWN:
            continue
        if isinstance(child, ast.JoinedStr):
            text = "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in child.values)  # type: ignore[misc]
            if _SENTENCE.fullmatch(text):
                yield text, child.lineno
            continue
        if isinstance(child, ast.Constant) and isinstance(child.value, str) and _SENTENCE.fullmatch(child.value):
            yield child.value, child.lineno
        yield from _sentences(child)


#: Sentences that guests never meet: for authors of catalogues, for programs, for agents, and parts of others.
EXEMPT: Final = re.compile(
    r"^Write \{\}|question type|does not fit a|into a pool|has no such version|is at version|Clone it when"
    r"|no such warning|at least one copy|New copies|external_id|compared with this one|in the chunk|Idempotency-Key"
    r"|Give a reason|Choose a purpose|sensitive answer at|secret by now|The value of|cannot become|an indication"
    r"|payment provider|guest links, which|no published release|See the catalogue|Leave the id out|row with the id"
    r"|sandbox client changes"
    r"|UTC\{\}\. Unlock|Process \{\}|no question set|rules require|no product|does not know this|^\{\} became \{\}\{\}"
)
