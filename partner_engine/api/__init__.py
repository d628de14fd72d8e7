"""The HTTP API under ``/api/v1/``: one file per resource; a view is parameter types plus one call of the batch or a
selector.
"""
