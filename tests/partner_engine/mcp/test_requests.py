"""Requests of hostile callers: refused as such, without a failure of the product."""

from __future__ import annotations

import pytest

from partner_engine.mcp.callers import admit
from partner_engine.mcp.writing_tools import start_form
from partner_engine.problems import Refused


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("query", "content_type"),
    [(b"x=%zz", b"application/json"), (b"x=\xff", b"text/plain"), (b"", b"multipart/form-data")],
)
def test_a_broken_request_with_a_wrong_token_is_401(query: bytes, content_type: bytes) -> None:
    headers = [(b"host", b"testserver"), (b"authorization", b"Bearer x"), (b"content-type", content_type)]
    scope = {
        "type": "http", "method": "POST", "path": "/mcp", "raw_path": b"/mcp", "scheme": "http", "headers": headers,
        "query_string": query, "client": ("127.0.0.1", 1), "server": ("testserver", 80),
    }  # fmt: skip

    with pytest.raises(Refused) as refused:
        admit(scope)

    assert (refused.value.status, refused.value.code) == (401, "not_authenticated")


def test_a_key_has_letters_that_a_header_keeps_apart() -> None:
    start_form.read({"idempotency_key": "harbor/2026-1: a~"})
    with pytest.raises(Refused) as refused:
        start_form.read({"idempotency_key": "один"})

    assert refused.value.code == "invalid_arguments"
