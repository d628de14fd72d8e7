"""Settings of the admin theme: title, icon, style sheet and sidebar."""

from __future__ import annotations

from typing import Any, Final

UNFOLD: Final[dict[str, Any]] = {
    **dict.fromkeys(("SITE_TITLE", "SITE_HEADER"), "Partner Engine"),
    "SITE_SYMBOL": "hub",
    "SITE_URL": None,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "partner_engine.admin.site.icon"}],
    "STYLES": ["partner_engine.admin.site.stylesheet"],
    "ACCOUNT": {"navigation": "partner_engine.admin.site.account_links"},
    "SIDEBAR": {"show_search": True, "command_search": True, "navigation": "partner_engine.admin.site.sidebar"},
}
