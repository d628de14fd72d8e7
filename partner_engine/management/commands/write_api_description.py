"""``manage.py write_api_description``: the description of the API as files in ``docs/``, for partners."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand

from partner_engine.api.docs import description
from partner_engine.api.postman import postman_collection
from webhooks.event_types import event_schema

OPENAPI: Final = "openapi.json"
EVENTS: Final = "webhook-events.schema.json"
POSTMAN: Final = "postman.json"


def api_files() -> dict[str, Any]:
    """Return the content of each file by its name in ``docs/``."""
    return {OPENAPI: description(), EVENTS: event_schema(), POSTMAN: postman_collection(description())}


class Command(BaseCommand):
    """Writes the OpenAPI description, the schemas of webhook events and the Postman collection."""

    help = "Write docs/openapi.json, docs/webhook-events.schema.json and docs/postman.json."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the folder."""
        parser.add_argument("--folder", type=Path, default=Path(settings.BASE_DIR) / "docs")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the files."""
        for name, content in api_files().items():
            (options["folder"] / name).write_text(text_of(content), encoding="utf-8")
            self.stdout.write(f"Wrote {options['folder'] / name}.")


def text_of(content: Any) -> str:
    """Return ``content`` as the text of its file: a line for each part, so that a review shows what has changed."""
    return json.dumps(content, indent=1, ensure_ascii=False, sort_keys=False) + "\n"
