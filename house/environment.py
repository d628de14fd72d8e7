"""The environment that the product's programs get: the caller's, `.env`, and what a command adds."""

import os

from house.place import CHECKOUT

# They would point the product's Python at other modules than the ones installed in .venv.
MISLEADING = ("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")


def product_environment(defaults: dict[str, str]) -> dict[str, str]:
    """Return the caller's environment over `.env` over `defaults`."""
    own = {name: value for name, value in os.environ.items() if name not in MISLEADING}
    fixed = {"DJANGO_SETTINGS_MODULE": "partner_engine.settings", "PYTHONUNBUFFERED": "1"}
    return defaults | _dot_env() | own | fixed


def _dot_env() -> dict[str, str]:
    """Read the NAME=VALUE lines of `.env`, so that the house sees the same servers as the settings do."""
    try:
        lines = (CHECKOUT / ".env").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    values = {}
    for line in lines:
        name, sign, value = line.strip().removeprefix("export ").partition("=")
        if sign and not name.startswith("#"):
            values[name.strip()] = value.strip().strip("'\"")
    return values
