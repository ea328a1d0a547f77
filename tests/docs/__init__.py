"""README, docs, examples and schemas say what the tool does."""
