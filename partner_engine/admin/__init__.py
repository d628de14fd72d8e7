"""The admin: where staff edit the catalogue and look after tenants, people, forms and the outbox. One file per
resource.

Forms and copies are only read here; what writes one goes through the batch.
"""

from importlib import import_module
from importlib.util import find_spec

# For the while in which these files are being written.
for _name in (
    "actions", "carriers", "catalogue", "copies", "forms", "question_sets", "releases", "rules", "tenants", "users",
):  # fmt: skip
    if find_spec(f"partner_engine.admin.{_name}"):
        import_module(f"partner_engine.admin.{_name}")
