"""Compresses pages, which no deployment has to do in front of the product.

API responses stay as they are, with strong ETags for ``If-Match``; static files are compressed when they are collected.
Django adds random bytes against guesses from the length of a page (BREACH), and masks its tokens in each response.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from django.middleware.gzip import GZipMiddleware


class PageCompressionMiddleware(GZipMiddleware):
    """Compresses HTML by gzip for browsers that accept it."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Return the response, compressed if it is a page."""
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        return super().process_response(request, response) if is_page else response
