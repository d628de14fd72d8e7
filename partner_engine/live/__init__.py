"""Live updates: WebSockets on which pages and programs receive the saves of others and the viewers of a copy."""
