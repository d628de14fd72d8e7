"""The fixed sign-ins of the demo data, as `make run` shows them; `manage.py seed_demo` makes them."""

PASSWORD = "demo"  # noqa: S105 - known to everybody on purpose, and made only with DEMO=1
AGENTS = ("agent@harbor.example", "second@harbor.example", "agent@summit.example")
STAFF = ("staff@partner-engine.example",)
API_CLIENTS = {"harbor-demo": "harbor-demo-secret", "summit-demo": "summit-demo-secret"}


def shown(address: str) -> str:
    """Return the lines that tell how to sign in at the product under `address` (no slash at its end)."""
    lines = [
        f"Agents       {address}/          {', '.join(AGENTS)}",
        f"Staff        {address}/admin/    {', '.join(STAFF)}",
        f"             password of all of them: {PASSWORD}",
        f"API clients  {address}/o/token/  " + ", ".join(f"{name} / {secret}" for name, secret in API_CLIENTS.items()),
    ]
    return "\n".join(lines)
