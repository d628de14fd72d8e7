"""The HTTP API under ``/api/v1/``: one file per resource. A view declares its input and calls batch or a selector."""
