"""What stands between a repository and the tool: the action, the pipeline, the hooks, held to real checkers."""
