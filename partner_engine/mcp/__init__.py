"""The face for AI agents: an MCP server whose tools are requests to the API, with rights of their own."""
