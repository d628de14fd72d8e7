"""Agents' pages: one file per resource; what a page shows is built by ``pages``, which knows no request and no database."""
