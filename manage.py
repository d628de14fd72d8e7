#!/usr/bin/env python
"""Runs the management commands."""

import os
import sys

from django.core.management import execute_from_command_line


def main() -> None:
    """Run the command of the command line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partner_engine.settings")
    # Migrations and maintenance may take longer than a request.
    os.environ.setdefault("STATEMENT_TIMEOUT", "0")
    os.environ.setdefault("MAINTENANCE", "1")
    if sys.argv[1:2] != ["relay"]:
        # Nobody reads what a command counts, and files of root there would stop the processes.
        os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
