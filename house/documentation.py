"""`make docs`: the documentation as a site of static pages in `.run/docs`, with search and without any network.

Sphinx reads the pages with MyST, which is CommonMark as repositories show it. The pages are staged: `docs/README.md`
gives the menu, and links to files of the source code become plain text, because the site does not contain these. A link
to a file that does not exist, an unknown anchor, or a page that no menu reaches fails the command.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from house.errors import HouseError
from house.packages import DOCS, ensure_packages
from house.place import CHECKOUT, PYTHON, RUN
from house.supervisor import Supervisor, say

SOURCE, SITE = RUN / "docs-source", RUN / "docs"
BESIDE = ("CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")
MENU = Path("docs", "README.md")
OPTIONS = {
    "project": "Partner Engine",
    "extensions": "myst_parser",
    "root_doc": "docs/README",
    "html_theme": "furo",
    "html_title": "Partner Engine",
    "html_show_copyright": "0",
    "html_copy_source": "0",
    "myst_heading_anchors": "4",
    # Examples are shortened (`...`), and pages begin chapters where they like.
    "suppress_warnings": "misc.highlighting_failure,myst.header",
}
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```.*?^```", flags=re.MULTILINE | re.DOTALL)


def docs() -> int:
    """Make the site; return 0, or 1 where a page has a fault."""
    with Supervisor() as supervisor:
        ensure_packages(supervisor, DOCS)
        stage(SOURCE)
        shutil.rmtree(SITE, ignore_errors=True)
        settings = [part for name, value in OPTIONS.items() for part in ("-D", f"{name}={value}")]
        command: list[str | Path] = [PYTHON, "-m", "sphinx", "-C", "-W", "--keep-going", "-q", "-b", "dirhtml"]
        if supervisor.run([*command, *settings, SOURCE, SITE], folder=CHECKOUT) != 0:
            return 1
    (SITE / "index.html").write_text('<!doctype html><meta http-equiv="refresh" content="0; url=docs/README/">\n')
    say(f"The documentation is in {SITE}: `{PYTHON} -m http.server --directory {SITE}` shows it.")
    return 0


def stage(folder: Path) -> None:
    """Write the pages with their menu into `folder`. Raises `HouseError` for a link to a file that does not exist."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(CHECKOUT / "docs", folder / "docs")
    for name in BESIDE:
        shutil.copy(CHECKOUT / name, folder / name)
    dead = []
    for page in sorted(folder.rglob("*.md")):
        text, unknown = _without_links_to_code(page.read_text(encoding="utf-8"), page.relative_to(folder), folder)
        dead += unknown
        page.write_text(text, encoding="utf-8")
    if dead:
        raise HouseError("Links to files that do not exist: " + "; ".join(dead))
    menu = folder / MENU
    menu.write_text(menu.read_text(encoding="utf-8") + "".join(_menu(menu)), encoding="utf-8")
    decisions = folder / "docs" / "adr" / "README.md"
    pages = "".join(f"{page.stem}\n" for page in sorted(decisions.parent.glob("0*.md")))
    decisions.write_text(f"{decisions.read_text(encoding='utf-8')}\n```{{toctree}}\n:hidden:\n\n{pages}```\n")


def _menu(page: Path) -> Iterator[str]:
    """Yield a part of the site's menu for each chapter of the page of contents."""
    for chapter in page.read_text(encoding="utf-8").split("\n## ")[1:]:
        title, _, rest = chapter.partition("\n")
        names = [target.removesuffix(".md") for _, _, target in _LINK.findall(rest)]
        yield "\n".join(("", "```{toctree}", ":hidden:", f":caption: {title}", "", *names, "```", ""))


def _without_links_to_code(text: str, page: Path, folder: Path) -> tuple[str, list[str]]:
    """Return `text` with the links out of the site as plain text, and the targets that do not exist."""
    dead = []

    def replaced(match: re.Match[str]) -> str:
        image, label, target = match.groups()
        name = target.partition("#")[0]
        if not name or ":" in name or (folder / page.parent / name).is_file():
            return match.group()
        if not (CHECKOUT / page.parent / name).exists():
            dead.append(f"{page}: {target}")
        return "" if image else label

    parts = re.split(_FENCE, text)
    fences = re.findall(_FENCE, text)
    plain = [_LINK.sub(replaced, part) for part in parts]
    return "".join(part for pair in zip(plain, [*fences, ""], strict=True) for part in pair), dead
