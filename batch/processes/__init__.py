"""Processes: long work on one copy between two locks, and their resumption after a crash."""
