"""The README, the examples and the schemas say what the tool does."""
