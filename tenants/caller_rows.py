"""The rows that identify who sends a request: the user of a session, the token of a program."""

from __future__ import annotations

from typing import Any, Final

from oauth2_provider.models import get_access_token_model

from tenants.models import User
from tenants.row_lookup import RowLookup

#: Users by their id, with their tenant.
USERS: Final = RowLookup("tenants_user", User, by="id", path=("tenant",))
#: Access tokens by their digest, with their client and its tenant.
TOKENS: Final[RowLookup[Any]] = RowLookup(
    "tenants_token", get_access_token_model(), by="token_checksum", path=("application", "tenant")
)
