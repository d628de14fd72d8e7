"""Measures how fast Partner Engine is, against honest opponents in the same run: `make bench`, docs/benchmarks.md."""
