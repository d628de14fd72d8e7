"""Submission of batch operations: checks, plans, undo, and the results to read."""
