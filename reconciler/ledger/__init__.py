"""The state file: entries, intents, runs and the lock, in SQLite or PostgreSQL."""
