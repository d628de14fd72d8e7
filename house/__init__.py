"""Run every `make` target, from an empty checkout to running servers and tests.

Uses the standard library only, because it runs before the virtual environment exists; never imports the product.
"""
