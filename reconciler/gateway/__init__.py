"""The only HTTP of the tool: turns native paths and bodies into calls through the gateway, and answers back."""
