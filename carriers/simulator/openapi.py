"""The OpenAPI document of the carrier API, as it is committed: `python -m carriers.simulator.openapi`."""

from __future__ import annotations

import json
import sys

from carriers.simulator.carrier_api import carrier_application


def document() -> str:
    """Return the document as JSON text."""
    return json.dumps(carrier_application().openapi(), indent=1) + "\n"


if __name__ == "__main__":
    sys.stdout.write(document())
