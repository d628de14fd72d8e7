"""Runs measurements as `make bench` does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from django.db import connection

CHECKOUT: Final = Path(__file__).resolve().parents[2]


def run_measurements(*arguments: str, path: Path) -> tuple[list[dict[str, Any]], subprocess.CompletedProcess[str]]:
    """Return the figures that a quick run stored at ``path``, and what it printed. In a separate process, because a
    test may not open the connections that some measurements need.
    """
    settings = connection.settings_dict
    address = f"{settings['HOST']}:{settings['PORT']}/{settings['NAME']}"
    url = f"postgres://{settings['USER']}:{quote(settings['PASSWORD'], safe='')}@{address}"
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "benchmarks", *arguments, "--quick", "--results", path],
        cwd=CHECKOUT,
        env={**os.environ, "DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(path.read_text(encoding="utf-8")), done
