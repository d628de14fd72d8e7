"""Agents' pages, one file per resource; ``pages`` builds what they show and knows no request and no database."""
