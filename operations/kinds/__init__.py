"""The kinds of batch operations: one class each."""
