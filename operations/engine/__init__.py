"""The engine of batch operations: claims, workers, orders, status, progress, events and retention."""
