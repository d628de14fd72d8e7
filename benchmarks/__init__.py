"""Measures how fast Partner Engine is against honest opponents in the same run: `make bench`, told in docs/benchmarks.md."""
