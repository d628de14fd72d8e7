"""The type ``url``: a web address at a domain; without a scheme, ``https://`` is added. Pure."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from rules.language import kinds
from rules.types.checks import Check, text_test
from rules.types.question_type import QuestionType
from rules.types.text_input import LINE_LENGTH, text_cleaner

_HOST: Final = re.compile(r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,62}")
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def is_url(text: str, allow_test: bool = False) -> bool:
    """Return whether ``text`` is an HTTP or HTTPS address at a domain."""
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and not re.search(r"\s", text) and bool(_HOST.fullmatch(host))


def _with_scheme(text: str) -> str:
    return text if _SCHEME.match(text) else f"https://{text}"


URL: Final = QuestionType(
    code="url",
    kind=kinds.TEXT,
    cleaner=text_cleaner(_with_scheme),
    max_length=LINE_LENGTH,
    checks=(Check("url", text_test(is_url, "This is not a web address such as https://example.com.")),),
    input_mode="url",
)
