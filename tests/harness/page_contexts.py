"""Lets the test client record the template and the context of each page, but not those of the hundreds of parts that a
page includes: Django copies the whole context for each of them, which takes a fifth of the time of a page.
"""

from __future__ import annotations

from typing import Any

from django.test import utils

_recorded = utils.instrumented_test_render


def install() -> None:
    """Let Django's test environment render by ``_render``."""
    utils.instrumented_test_render = _render


def _render(self: Any, context: Any) -> Any:
    return _recorded(self, context) if context.template is self else self.nodelist.render(context)
