"""Serves static files, also those of a version that was collected after this process had started.

During an upgrade a page of the new version may ask a web process of the earlier one for its files.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from whitenoise.middleware import WhiteNoiseMiddleware

#: The name of a collected file, which changes with its content. No part of the path can lead out of the folder.
_NAME: Final = r"(?:[\w-]+/)*[\w-][\w.-]*\.[0-9a-f]{12}\.\w+"
_HASHED: Final = re.compile(f"{re.escape(settings.STATIC_URL)}({_NAME})", re.ASCII)


class StaticFiles(WhiteNoiseMiddleware):
    """Serves the files that were there at the start, and looks for others with a hash in their name when asked."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Respond with a static file or with the response of the product."""
        path = request.path_info
        if path not in self.files and (match := _HASHED.fullmatch(path)):
            self._add(path, match[1])
        return super().__call__(request)

    def _add(self, path: str, name: str) -> None:
        """Serve the file from now on, if it was collected meanwhile."""
        if self.static_root and (file := Path(self.static_root, name)).is_file():
            self.add_file_to_dictionary(path, str(file))
