"""Environment variables of the product's programs: the caller's, `.env`, and the defaults of a command."""

import os

from house.place import CHECKOUT

# They would point Python at other modules than those installed in .venv.
MISLEADING = ("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")
# Without compiled files each process would compile Django and the product anew, which triples its start.
SLOW = ("PYTHONDONTWRITEBYTECODE",)


def product_environment(defaults: dict[str, str]) -> dict[str, str]:
    """Return the caller's environment over `.env` over `defaults` over DEBUG=1: without it the product is in
    production.
    """
    own = {name: value for name, value in os.environ.items() if name not in (*MISLEADING, *SLOW)}
    fixed = {"DJANGO_SETTINGS_MODULE": "partner_engine.settings", "PYTHONUNBUFFERED": "1"}
    return {"DEBUG": "1"} | defaults | _dot_env() | own | fixed


def _dot_env() -> dict[str, str]:
    """Read the NAME=VALUE lines of `.env`, as the settings do."""
    try:
        lines = (CHECKOUT / ".env").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    pairs = (line.strip().removeprefix("export ").partition("=") for line in lines)
    return {
        name.strip(): value.strip().strip("'\"") for name, sign, value in pairs if sign and not name.startswith("#")
    }
