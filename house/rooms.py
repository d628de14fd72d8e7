"""The rooms of the house, measured from the code: lines, imports between rooms, import circles between files.

`make rooms` writes the picture into docs/architecture.md; tests/house/test_rooms.py compares it and holds the limits.
"""

import ast
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from house.place import CHECKOUT

PAGE = CHECKOUT / "docs" / "architecture.md"
BEGIN, END = "<!-- rooms: written by `make rooms` -->", "<!-- end of rooms -->"
#: The faces of the product, which are counted apart from the rest of `partner_engine`.
FACES = ("api", "web", "admin", "live")
#: Folders that are not part of the product.
_APART = (
    "tests", "benchmarks", "house", "docs", "static", "templates", "demo", "manage.py", "verify_decision.py",
    "verify_export.py",
)  # fmt: skip


@dataclass(frozen=True)
class House:
    """Python files of the product: lines by module, and the modules that each module imports."""

    lines: Mapping[str, int]
    imports: Mapping[str, frozenset[str]]

    @staticmethod
    def room(module: str) -> str:
        """Return the room of `module`: its top-level package."""
        return module.split(".")[0]

    def faces(self) -> dict[str, int]:
        """Return the lines of each face of `partner_engine`."""
        return {
            f"partner_engine/{face}": sum(
                lines for module, lines in self.lines.items() if module.startswith(f"partner_engine.{face}.")
            )
            for face in FACES
        }

    def rooms(self) -> dict[str, int]:
        """Return the lines of each room, the largest first."""
        totals: dict[str, int] = {}
        for module, lines in self.lines.items():
            totals[self.room(module)] = totals.get(self.room(module), 0) + lines
        return dict(sorted(totals.items(), key=lambda item: -item[1]))

    def room_imports(self) -> dict[str, set[str]]:
        """Return the rooms that each room imports."""
        found: dict[str, set[str]] = {room: set() for room in self.rooms()}
        for module, imported in self.imports.items():
            found[self.room(module)] |= {self.room(other) for other in imported} - {self.room(module)}
        return found


def read_house(folder: Path = CHECKOUT) -> House:
    """Return the product as its files are now; migrations and empty files are left out."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],  # noqa: S607 - git is on the PATH
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    paths = [
        path
        for path in listed
        if path.split("/")[0] not in _APART and "/migrations/" not in path and (folder / path).is_file()
    ]
    texts = {_module(path): (folder / path).read_text(encoding="utf-8") for path in paths}
    return House(
        lines={module: text.count("\n") for module, text in texts.items()},
        imports={module: frozenset(_imported(text, texts.keys()) - {module}) for module, text in texts.items()},
    )


def circles(imports: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Return the groups of modules that import each other in a circle (strongly connected components), sorted."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        index[module] = low[module] = len(index)
        stack.append(module)
        for other in imports.get(module, ()):
            if other not in index:
                visit(other)
                low[module] = min(low[module], low[other])
            elif other in stack:
                low[module] = min(low[module], index[other])
        if low[module] == index[module]:
            group = stack[stack.index(module) :]
            del stack[stack.index(module) :]
            if len(group) > 1:
                found.append(sorted(group))

    for module in imports:
        if module not in index:
            visit(module)
    return sorted(found)


def draw(house: House) -> str:
    """Return the picture: a Mermaid chart of the rooms from the top floor down, and a table of their sizes."""
    imports = house.room_imports()
    floors: dict[str, int] = {}

    def floor(room: str) -> int:
        if room not in floors:
            floors[room] = 0
            floors[room] = 1 + max((floor(other) for other in imports[room]), default=0)
        return floors[room]

    rooms = house.rooms()
    total = sum(rooms.values())
    for room in rooms:
        floor(room)
    ordered = sorted(rooms, key=lambda room: (-floors[room], room))
    lines = ["```mermaid", "flowchart TD"]
    lines += [f"    {room}" for room in ordered]
    for room in ordered:
        # An arrow that longer ways imply would only hide the others.
        direct = {
            other
            for other in imports[room]
            if not any(other in _below(third, imports) for third in imports[room] if third != other)
        }
        lines += [f"    {room} --> {other}" for other in sorted(direct)]
    lines += ["```", "", "| floor | room | share of the lines | imports |", "|---|---|---|---|"]
    for room in ordered:
        reads = ", ".join(sorted(imports[room])) or "nothing"
        lines.append(f"| {floors[room]} | `{room}` | {rooms[room] / total:.0%} | {reads} |")
        if room == "partner_engine":
            lines += [f"| | `{face}` | {size / total:.0%} | |" for face, size in house.faces().items()]
    return "\n".join(lines)


def write_picture() -> int:
    """Write the picture into docs/architecture.md between its marks; return 0."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{draw(read_house())}\n{END}{after}", encoding="utf-8")
    return 0


def _below(room: str, imports: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(imports[room])
    while waiting:
        other = waiting.pop()
        if other not in found:
            found.add(other)
            waiting += imports[other]
    return found


def _module(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _imported(text: str, known: Iterable[str]) -> set[str]:
    modules = set(known)
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names} & modules
            found |= names or ({node.module} & modules)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names} & modules
    return found
