"""Log lines: their form, their correlation id, and the values that they never contain."""

from __future__ import annotations

import io
import json
import logging
import logging.config
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
import structlog
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from partner_engine.celery import HEADER as TASK_HEADER
from partner_engine.celery import app
from partner_engine.correlation import HEADER, WAITED, CorrelationMiddleware, correlation_id_of
from partner_engine.logging import configure, logging_settings
from tests.harness.tiers import PATIENCE

CANARY = "canary-987-65-4321"


class Lines(io.StringIO):
    """The logged lines."""

    def all(self) -> list[dict[str, object]]:
        """Return every line, read as JSON."""
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Log as in production, into memory."""
    stream = Lines()
    asked = logging_settings(is_readable=False, level="INFO")
    asked["handlers"]["standard"]["stream"] = stream
    configure(asked)
    yield stream
    configure(settings.LOGGING)


def fail_with_value() -> None:
    """Raise an exception whose text, cause and variables contain a value."""
    answer = CANARY
    try:
        raise KeyError(answer)
    except KeyError as error:
        raise ValueError(f"cannot take {answer}") from error


def test_a_line_is_one_json_object_with_its_context(lines: Lines) -> None:
    with structlog.contextvars.bound_contextvars(correlation_id="abc", tenant="harbor"):
        structlog.get_logger("somewhere").info("saved", version=2)
        logging.getLogger("elsewhere").warning("heard %s", "it")

    saved, heard = lines.all()
    assert (saved["event"], saved["version"], saved["level"], saved["logger"]) == ("saved", 2, "info", "somewhere")
    assert (heard["event"], heard["level"], heard["logger"]) == ("heard it", "warning", "elsewhere")
    assert {(line["correlation_id"], line["tenant"]) for line in (saved, heard)} == {("abc", "harbor")}


def test_a_forced_line_break_forges_no_line(lines: Lines) -> None:
    structlog.get_logger().info("asked", path="/x\r\n{}")

    assert len(lines.all()) == 1


def test_a_traceback_has_places_and_types_but_no_values(lines: Lines) -> None:
    try:
        fail_with_value()
    except ValueError as error:
        structlog.get_logger().error("by_object", exc_info=error)
        structlog.get_logger().exception("by_structlog")
        logging.getLogger("elsewhere").exception("by the standard library")

    assert CANARY not in lines.getvalue()
    for line in lines.all():
        outer, cause = line["exception"]
        assert (outer["type"], cause["type"]) == ("builtins.ValueError", "builtins.KeyError")
        assert outer["frames"][-1].endswith(" fail_with_value")


def test_readable_lines_contain_no_values_either() -> None:
    stream = io.StringIO()
    asked = logging_settings(is_readable=True, level="DEBUG")
    asked["handlers"]["standard"]["stream"] = stream
    configure(asked)
    try:
        fail_with_value()
    except ValueError:
        logging.getLogger("elsewhere").exception("it failed")
    finally:
        configure(settings.LOGGING)

    assert "it failed" in stream.getvalue()
    assert "fail_with_value" in stream.getvalue()
    assert CANARY not in stream.getvalue()


@pytest.mark.django_db
def test_a_failing_statement_leaves_no_parameters(lines: Lines) -> None:
    with connection.cursor() as cursor, pytest.raises(DatabaseError) as failure:
        cursor.execute("SELECT %s::integer", [CANARY])

    logging.getLogger("elsewhere").error("it failed", exc_info=failure.value)

    assert CANARY in str(failure.value)
    assert CANARY not in lines.getvalue()


def test_a_failing_page_shows_and_logs_no_values(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(request: HttpRequest) -> HttpResponse:
        fail_with_value()
        return HttpResponse()

    monkeypatch.setattr("partner_engine.health.JsonResponse", lambda *arguments, **named: failing(HttpRequest()))

    response = Client(raise_request_exception=False).get(f"/healthz?ssn={CANARY}", headers={HEADER: "one-id"})

    assert response.status_code == 500
    assert (CANARY.encode() in response.content, CANARY in lines.getvalue()) == (False, False)
    (line,) = [line for line in lines.all() if line["logger"] == "django.request"]
    assert line["correlation_id"] == "one-id"
    assert line["exception"][0]["type"] == "builtins.ValueError"


def test_a_failing_task_is_named_without_its_arguments(lines: Lines) -> None:
    details = {
        "name": "actions.tasks.wake",
        "id": "t1",
        "description": "raised unexpected",
        "exc": CANARY,
        "args": CANARY,
    }

    logging.getLogger("celery.app.trace").error("Task %(name)s[%(id)s] %(description)s: %(exc)s", details)

    (line,) = lines.all()
    assert line["event"] == "Task actions.tasks.wake[t1] raised unexpected"
    assert CANARY not in lines.getvalue()


def test_a_request_is_logged_once_by_its_path_only(lines: Lines) -> None:
    response = Client().get(f"/nothing-here?q={CANARY}", headers={HEADER: "from-the-caller.1"})

    assert response[HEADER] == "from-the-caller.1"
    (line,) = lines.all()
    assert (line["event"], line["method"], line["path"], line["status"]) == ("request", "GET", "/nothing-here", 404)
    assert line["correlation_id"] == "from-the-caller.1"
    assert CANARY not in lines.getvalue()


@pytest.mark.parametrize(("scope", "logged"), [({}, None), ({WAITED: 1.25}, 1250.0)])
def test_the_wait_for_a_place_is_logged_apart(lines: Lines, scope: dict[str, float], logged: float | None) -> None:
    request = RequestFactory().get("/forms")
    request.scope = scope  # type: ignore[attr-defined]

    CorrelationMiddleware(lambda request: HttpResponse())(request)

    (line,) = lines.all()
    assert (line["event"], line.get("waited_ms"), line["ms"] < 1250.0) == ("request", logged, True)


@pytest.mark.parametrize("given", [None, "", "a" * 65, "two words", "x\r\nforged: 1", "ünicode", "<script>"])
def test_a_malformed_id_is_replaced(given: str | None) -> None:
    assert UUID(correlation_id_of(given)).version == 7


def test_concurrent_requests_have_separate_ids() -> None:
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(structlog.contextvars.get_contextvars()["correlation_id"])

    def ask(number: int) -> tuple[bytes, str]:
        request = RequestFactory().get("/healthz", headers={HEADER: f"id-{number}"})
        response = CorrelationMiddleware(view)(request)
        assert structlog.contextvars.get_contextvars() == {}
        return response.content, response[HEADER]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(200)))

    assert answers == [(f"id-{number}".encode(), f"id-{number}") for number in range(200)]


def test_the_id_is_passed_to_a_task_and_its_lines() -> None:
    seen: list[object] = []

    @app.task(name="tests.note", bind=True)
    def note(self: object) -> None:
        seen.append(structlog.contextvars.get_contextvars()["correlation_id"])

    with structlog.contextvars.bound_contextvars(correlation_id="with-the-task"), app.connection("memory://") as memory:
        note.apply_async(connection=memory)
        message = memory.SimpleQueue("celery").get(timeout=PATIENCE)
    note.apply(headers={TASK_HEADER: message.headers[TASK_HEADER]})

    assert message.headers[TASK_HEADER] == "with-the-task"
    assert seen == ["with-the-task"]


def test_the_secret_of_a_proposal_is_not_logged(lines: Lines) -> None:
    middleware = CorrelationMiddleware(lambda request: HttpResponse())

    middleware(RequestFactory().get(f"/proposals/{CANARY}"))

    assert CANARY not in lines.getvalue()
    assert [line["path"] for line in lines.all() if line["event"] == "request"] == ["/proposals/..."]
