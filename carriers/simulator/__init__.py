"""The carrier simulator: a small ASGI service that plays carriers over HTTP, each with its link mode and its faults.

A program of its own: it imports nothing of the product, and the product imports nothing of it.
"""
