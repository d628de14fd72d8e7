"""Moves of tenants between databases: gate, transfer, comparison and the steps of a move."""
