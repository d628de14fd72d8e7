"""Checks a signed export: python verify_export.py declines.json keys.json

Needs Python with the package ``cryptography``, nothing of this project. ``keys.json`` is the response to
``GET /api/v1/signing_keys`` of the installation that signed, fetched over a connection that you trust.

Exits with 0 if the file is exactly as it was exported, else 1.
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def fault_in(export: bytes, keys: dict[str, str]) -> str:
    """Return what is wrong with the ``export``, "" if nothing is; ``keys`` are public keys (base64) by their ids."""
    try:
        file = json.loads(export)
        content, signature = file["content"], file["signature"]
        purpose, key, value = content["kind"], signature["key"], signature["value"]
        if _canonical(file) + b"\n" != export or set(file) != {"content", "signature"}:
            return "The file is not written as it was exported: something in it was altered."
        if key not in keys:
            return f"The key {key!r} is not among the keys."
        raw = base64.b64decode(value, validate=True)
        if base64.b64encode(raw).decode() != value:
            return "The signature is not written as it was exported."
        signed = f"partner-engine {purpose}\n".encode() + _canonical(content)
        Ed25519PublicKey.from_public_bytes(base64.b64decode(keys[key], validate=True)).verify(raw, signed)
    except InvalidSignature:
        return "The signature does not belong to this content: something in it was altered."
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        return f"This is no signed export: {error}"
    return ""


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def main() -> int:
    """Check the file named on the command line."""
    if len(sys.argv) != 3:
        sys.stderr.write(__doc__ or "")
        return 2
    keys = {item["id"]: item["public_key"] for item in json.loads(Path(sys.argv[2]).read_bytes())["keys"]}
    fault = fault_in(Path(sys.argv[1]).read_bytes(), keys)
    sys.stdout.write(f"{fault or 'The file is exactly as it was exported.'}\n")
    return 1 if fault else 0


if __name__ == "__main__":
    sys.exit(main())
