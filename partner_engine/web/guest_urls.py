"""Addresses of guests' pages: those of one copy, under the names that they have for agents.

Included as another instance of the pages' application, so that a template's ``{% url 'web:answers' %}`` leads a guest
to a guest's address. What is not listed here, a guest has not.
"""

from __future__ import annotations

from django.urls import path

from partner_engine.web import catch_up, copies, guests, lookups

app_name = "web"

urlpatterns = [
    path("<uuid:copy_id>", guests.open_link, name="open"),
    path("<uuid:copy_id>/form", copies.show, name="copy"),
    path("<uuid:copy_id>/answers", copies.answer, name="answers"),
    path("<uuid:copy_id>/rows", copies.order_rows, name="rows"),
    path("<uuid:copy_id>/row", copies.show_row, name="row"),
    path("<uuid:copy_id>/parts", catch_up.catch_up, name="parts"),
    path("<uuid:copy_id>/industries", lookups.industries, name="industries"),
    path("<uuid:copy_id>/done", guests.done, name="done"),
]
