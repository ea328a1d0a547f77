"""What each command does: from its typed options to its exit code."""
