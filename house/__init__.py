"""The house keeper: everything `make` does, from an empty checkout to running servers and tests.

Standard library only, because it runs before the virtual environment exists; it never imports the product.
"""
