"""The credentials of the demo's carrier links, the same at the simulator and in the link settings. Pure.

They are public on purpose; the links of real carriers have secrets that staff enter.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Final

CLIENT_ID: Final = "partner-engine"


def demo_client_secret(carrier: str) -> str:
    """Return the client secret of the link to ``carrier`` in the demo."""
    return f"demo-{carrier.lower()}-secret"


def demo_callback_secret(carrier: str) -> str:
    """Return the secret that signs the callbacks of ``carrier`` in the demo, in the format of Standard Webhooks."""
    digest = hashlib.sha256(f"callbacks of {carrier} in the demo".encode()).digest()
    return f"whsec_{base64.b64encode(digest).decode()}"
