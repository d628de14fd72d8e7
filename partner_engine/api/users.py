"""``/users``: the people of the caller's tenant, who can own copies."""

from __future__ import annotations

from typing import ClassVar

from django.http import HttpResponse
from rest_framework.request import Request

from partner_engine.api.bodies import UsersQuery
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.pagination import next_page, page
from partner_engine.api.http.schema import documented
from presentation import shapes
from tenants.access import Right
from tenants.selectors import list_colleagues


class Users(Endpoint):
    """The active users of the caller's tenant."""

    rights: ClassVar = {"GET": Right.READ_FORMS}

    @documented(
        "List users",
        "The active users of the tenant in the order in which they were added: each of them can be the `owner_id` of a "
        "copy. `role` is `agent` or `tenant_admin`. Follow `next` until it is null.",
        query=UsersQuery,
        responses={200: shapes.UserPage},
    )
    def get(self, request: Request, *, query: UsersQuery) -> HttpResponse:
        found = page(list_colleagues(tenant=self.tenant), order="user", cursor=query.cursor, limit=query.limit)
        users = [shapes.UserShape(str(user.pk), user.display_name, user.role) for user in found.rows]
        return self.respond(shapes.UserPage(users, next_page(request, found.next_cursor)))
