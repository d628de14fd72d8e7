"""Addresses of the agents pages."""

urlpatterns: list[object] = []
