"""The tool on a real terminal, in real shells, and what it says of long runs elsewhere."""
