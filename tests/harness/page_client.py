"""A form page in a test: sends the requests of the page's scripts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django.test import Client

#: Starts a form and returns its id.
StartForm = Callable[..., str]


class Page:
    """One form page that shows ``version``."""

    def __init__(self, client: Client, copy_id: str, version: int = 1) -> None:
        self.client = client
        self.copy_id = copy_id
        self.version = version

    def show(self) -> str:
        """Load the page again."""
        response = self.client.get(f"/forms/{self.copy_id}")
        assert response.status_code == 200
        return markup(response)

    def answer(
        self, given: dict[str, object], *, open_rows: str = "", searched: dict[str, str] | None = None
    ) -> HttpResponse:
        """Commit fields; ``searched`` are the words by which industries among them were found."""
        values = {"answers": json.dumps(given), "searched": json.dumps(searched or {})}
        return self._post("answers", values, open_rows)

    def order(self, order: str, path: str, *, key: str = "", open_rows: str = "", **more: object) -> HttpResponse:
        """Press a button of a row or a pool; ``key`` marks an order that can be sent again."""
        return self._post("rows", {"order": order, "path": path, **more}, open_rows, key=key)

    def post_message(self, text: str, *, key: str = "") -> HttpResponse:
        """Post a message."""
        return self._post("messages", {"order": "post", "text": text}, "", key=key)

    def rename(self, title: str) -> HttpResponse:
        """Give the copy a name."""
        return self.order_copy("rename", title=title)

    def order_copy(self, order: str, *, of: str = "", key: str = "", **values: str) -> HttpResponse:
        """Order something of the copy ``of``, by default the shown one, from its tab."""
        return self._post("copies/order", {"order": order, "of": of or self.copy_id, **values}, "", key=key)

    def make_copy(self, title: str, *, key: str = "") -> HttpResponse:
        """Make a copy of the shown one."""
        return self._post("copies", {"title": title}, "", key=key)

    def _post(self, name: str, values: dict[str, Any], open_rows: str, *, key: str = "") -> HttpResponse:
        headers = {"HX-Request": "true", "X-Copy-Version": str(self.version), "X-Open-Rows": open_rows}
        headers |= {"X-Order-Key": key} if key else {}
        response = self.client.post(f"/forms/{self.copy_id}/{name}", values, headers=headers)
        if response.status_code == 200 and "HX-Trigger" in response.headers:
            self.version = triggered_events(response)["copy-saved"]["version"]
        return response  # type: ignore[return-value]


def triggered_events(response: HttpResponse) -> dict[str, Any]:
    """Return the events that a response triggers."""
    events: dict[str, Any] = json.loads(response.headers["HX-Trigger"])
    return events


def markup(response: object) -> str:
    """Return the content of a response as people read it: white space and line breaks as one space, texts without the
    elements that keep their direction.
    """
    return " ".join(re.sub("</?bdi>", "", response.content.decode()).split())  # type: ignore[attr-defined]
