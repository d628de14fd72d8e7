"""The admin: staff edit the catalogue and look after tenants, people, forms and the outbox. One file per resource.

Forms and copies are only read here; what writes one goes through the batch.
"""

from partner_engine.admin import (
    actions,
    carrier_calls,
    carrier_links,
    carriers,
    catalogue,
    copies,
    decisions,
    declinations,
    flags,
    forms,
    golden_cases,
    operations,
    packages,
    permissions,
    question_sets,
    rate_limits,
    releases,
    reveals,
    rules,
    tenants,
    users,
    webhooks,
)

__all__ = [
    "actions",
    "carrier_calls",
    "carrier_links",
    "carriers",
    "catalogue",
    "copies",
    "decisions",
    "declinations",
    "flags",
    "forms",
    "golden_cases",
    "operations",
    "packages",
    "permissions",
    "question_sets",
    "rate_limits",
    "releases",
    "reveals",
    "rules",
    "tenants",
    "users",
    "webhooks",
]
