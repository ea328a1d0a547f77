"""The record of what is ours: entries, intents, runs and the lease, in SQLite or PostgreSQL."""
