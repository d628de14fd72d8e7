"""The intake of callbacks: verified, stored once with the action that imports them, refused without a trace."""
