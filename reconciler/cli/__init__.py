"""The command line: click commands, prompts, progress and completion."""
