"""Measurements of the product against what it is compared with, each pair in one run on one machine."""
