"""A template loader that removes the indentation of page sources, a third of a large page."""

from __future__ import annotations

import re
from typing import Final

from django.template import Origin
from django.template.loaders.filesystem import Loader

_INDENTATION: Final = re.compile(r"\n[ \t]+")


class UnindentedLoader(Loader):
    """Loads from the folders in ``DIRS``. Line breaks remain, so that line numbers in errors are right."""

    def get_contents(self, origin: Origin) -> str:
        """Return a template's source; a page without indentation and its last line break.

        Without that line break a part can be included in a sentence without a space.
        """
        text = super().get_contents(origin)
        return _INDENTATION.sub("\n", text).removesuffix("\n") if str(origin.name).endswith(".html") else text
