"""URLs of the guests' pages of one copy, with the same names as the agents' URLs.

They are a second instance of the application namespace ``web``, so that ``{% url 'web:answers' %}`` in a template
resolves to the guest URL for guests. Guests have no access to a page that is not listed here.
"""

from __future__ import annotations

from django.urls import path

from partner_engine.web import catch_up, copies, guests, lookups, row_orders

app_name = "web"

urlpatterns = [
    path("<uuid:copy_id>", guests.open_link, name="open"),
    path("<uuid:copy_id>/form", copies.show, name="copy"),
    path("<uuid:copy_id>/answers", copies.answer, name="answers"),
    path("<uuid:copy_id>/rows", row_orders.order_rows, name="rows"),
    path("<uuid:copy_id>/row", copies.show_row, name="row"),
    path("<uuid:copy_id>/parts", catch_up.catch_up, name="parts"),
    path("<uuid:copy_id>/industries", lookups.industries, name="industries"),
    path("<uuid:copy_id>/done", guests.done, name="done"),
]
