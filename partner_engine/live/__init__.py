"""Live updates: sockets on which pages and partners' programs hear what others save, and who looks at the same copy."""
