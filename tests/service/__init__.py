"""The examples of services hold against the tools that read them."""
