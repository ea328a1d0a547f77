"""What an editor shows of a project's files."""
