"""Sign-ins of the demo data as `make run` prints them; `manage.py seed_demo` creates them."""

PASSWORD = "demo"  # noqa: S105 - public on purpose, and created only with DEMO=1
AGENTS = ("agent@harbor.example", "second@harbor.example", "agent@summit.example")
ADMINISTRATORS = ("admin@harbor.example",)
STAFF = ("staff@partner-engine.example",)
API_CLIENTS = {"harbor-demo": "harbor-demo-secret", "summit-demo": "summit-demo-secret"}


def sign_in_lines(address: str) -> str:
    """Return the lines that list the sign-ins of the product at `address` (without a slash at its end)."""
    clients = ", ".join(f"{name} / {secret}" for name, secret in API_CLIENTS.items())
    return (
        f"Agents       {address}/          {', '.join(AGENTS)}\n"
        f"Agency       {address}/          {', '.join(ADMINISTRATORS)} (also Agency, Colleagues and Webhooks)\n"
        f"Staff        {address}/admin/    {', '.join(STAFF)}\n"
        f"             password of all of them: {PASSWORD}\n"
        f"API clients  {address}/o/token/  {clients}"
    )
