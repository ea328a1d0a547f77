"""The MCP server for assistants: read-only tools, and an apply that only a person can approve."""
