"""Load the project's pages without the white space of their source, which is a third of a large page."""

from __future__ import annotations

import re
from typing import Final

from django.template import Origin
from django.template.loaders.filesystem import Loader

_INDENTATION: Final = re.compile(r"\n[ \t]+")


class UnindentedLoader(Loader):
    """Load from the folders in ``DIRS``. Line breaks stay, so that line numbers in errors are right."""

    def get_contents(self, origin: Origin) -> str:
        """Return the text of a template; that of a page without indentation and without its last line break.

        So a part that is included in the middle of a sentence adds no space to it.
        """
        text = super().get_contents(origin)
        return _INDENTATION.sub("\n", text).removesuffix("\n") if str(origin.name).endswith(".html") else text
