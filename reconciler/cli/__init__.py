"""The command line: click and rich, and nothing that decides."""
