"""Pages are sent without the indentation of their templates; mails keep theirs."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.template import Engine

PAGE = "<ul>\n  {% if yes %}\n    <li>{% include 'part.html' %}, and more</li>\n  {% endif %}\n</ul>\n"


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    (tmp_path / "page.html").write_text(PAGE)
    (tmp_path / "part.html").write_text("<b>one</b>\n")
    (tmp_path / "mail.txt").write_text("Lines:\n  one\n")
    return Engine(dirs=[str(tmp_path)], loaders=["partner_engine.template_loader.UnindentedLoader"])


def test_a_page_comes_without_indentation_and_a_part_without_its_last_line_break(engine: Engine) -> None:
    assert engine.render_to_string("page.html", {"yes": True}) == "<ul>\n\n<li><b>one</b>, and more</li>\n\n</ul>"


def test_a_mail_keeps_its_indentation(engine: Engine) -> None:
    assert engine.render_to_string("mail.txt") == "Lines:\n  one\n"
