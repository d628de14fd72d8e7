"""Categories of log lines, hidden values, sign-ins, slow requests and files by day."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
import structlog
import time_machine
from django.conf import settings
from django.test import Client, override_settings
from hypothesis import given
from hypothesis import strategies as st

from partner_engine import log_categories
from partner_engine.log_categories import MASK, category_of, hide_secrets
from partner_engine.log_files import DailyFile
from partner_engine.logging import configure, logging_settings
from tenants.models import User
from tests.partner_engine.test_logging import Lines, lines

__all__ = ["lines"]
SECRETS = ("password", "client_secret", "access_token", "Authorization", "cookie", "api_key", "ssn", "tax_id")


@pytest.mark.parametrize(
    ("event", "logger", "category"),
    [
        ("request", "partner_engine.correlation", "request"),
        ("slow_request", "partner_engine.correlation", "performance"),
        ("sign_in_refused", "partner_engine.sign_in_log", "security"),
        ("audit.personal_answers_read", "partner_engine.audit", "audit"),
        ("saved", "batch.context", "business"),
        ("operation_ended", "anywhere", "batch"),
        ("operations_drained", "operations.tasks", "batch"),
        ("chunk_ended", "operations.engine.worker", "batch"),
        ("carrier_call", "carriers.links.exchange", "external"),
        ("release_compiled", "catalogue.compiled_releases", "cache"),
        ("socket_opened", "partner_engine.live.copies", "websocket"),
        ("drained", "actions.tasks", "application"),
    ],
)
def test_each_line_has_the_category_of_its_event_or_logger(event: str, logger: str, category: str) -> None:
    assert category_of(event, logger) == category


def test_a_category_that_the_caller_gives_stays(lines: Lines) -> None:
    structlog.get_logger("somewhere").info("moved", category="audit")

    assert lines.all()[0]["category"] == "audit"


@given(
    st.recursive(
        st.sampled_from(["canary-1", 3, None]),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", *SECRETS]), inner, max_size=3)
        ),
        max_leaves=8,
    ),
    st.sampled_from(SECRETS),
)
def test_no_value_under_a_secret_name_stays_at_any_depth(value: object, name: str) -> None:
    event = hide_secrets(None, "info", {"event": "x", "known": value, "inner": {"list": [{name: "canary-2"}]}})

    assert event["inner"] == {"list": [{name: MASK}]}
    assert "canary-2" not in repr(event)
    for key in SECRETS:
        assert f"'{key}': 'canary-1'" not in repr(event)


def test_sign_ins_are_logged_by_id_without_name_and_password(owner: User, lines: Lines) -> None:
    client = Client()
    client.force_login(owner, backend="tenants.backends.EmailBackend")
    client.logout()
    refused = Client()
    refused.post("/sign-in", {"username": "a long pass phrase", "password": "canary"})

    security = [line for line in lines.all() if line["category"] == "security"]
    assert [line["event"] for line in security][:2] == ["sign_in", "sign_out"]
    assert security[0]["user_id"] == str(owner.pk)
    assert owner.email not in lines.getvalue()
    assert "a long pass phrase" not in lines.getvalue()


@override_settings(SLOW_REQUEST_MS=-1)
def test_a_slow_request_is_logged_as_performance(lines: Lines) -> None:
    Client().get("/nowhere")

    (slow,) = [line for line in lines.all() if line["event"] == "slow_request"]
    assert (slow["category"], slow["status"]) == ("performance", 404)


def test_files_by_day_hold_what_they_are_for_and_end_after_their_days(tmp_path: Path) -> None:
    with time_machine.travel("2026-11-28T12:00:00Z", tick=False):
        old = tmp_path / "security-2026-10-01.log"
        kept = tmp_path / "security-2026-11-01.log"
        other = tmp_path / "notes.log"
        for path in (old, kept, other):
            path.write_text("{}\n")
        asked = logging_settings(
            is_readable=True,
            level="INFO",
            directory=str(tmp_path),
            days={"application": 14, "error": 14, "security": 30},
        )
        configure(asked)
        try:
            structlog.get_logger("partner_engine.sign_in_log").warning("sign_in_refused", password="canary")
            structlog.get_logger("x").error("broken")
            logging.getLogger("y").info("heard %s", "it")
        finally:
            for handler in list(logging.getLogger().handlers):
                if isinstance(handler, DailyFile):
                    handler.close()
            configure(settings.LOGGING)

    found = {
        name: [json.loads(line)["event"] for line in (tmp_path / f"{name}-2026-11-28.log").read_text().splitlines()]
        for name in ("application", "error", "security")
    }
    assert found == {
        "application": ["sign_in_refused", "broken", "heard it"],
        "error": ["broken"],
        "security": ["sign_in_refused"],
    }
    assert (old.exists(), kept.exists(), other.exists()) == (False, True, True)
    assert (tmp_path / "security-2026-11-28.log").stat().st_mode & 0o077 == 0
    assert "canary" not in (tmp_path / "application-2026-11-28.log").read_text()


def test_a_directory_that_cannot_be_written_ends_no_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    handler = DailyFile(str(blocked / "below"), "application", 14)

    handler.handle(logging.makeLogRecord({"msg": "x"}))

    assert "NotADirectoryError" in capsys.readouterr().err


def test_messages_of_libraries_are_not_kept() -> None:
    known = log_categories._category_of_name.cache_info().currsize

    for number in range(50):
        for text in (
            "Not Found: /invitation/secret-{}",
            "Refused customer {}, for a reason at length, in more words than a name has",
        ):
            assert category_of(text.format(number), "x") == "application"

    assert log_categories._category_of_name.cache_info().currsize == known
    assert category_of("operation_ended", "x") == category_of("operation_ended", "x") == "batch"
