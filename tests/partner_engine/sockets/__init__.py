"""Live updates over real sockets, against a server process of its own."""
