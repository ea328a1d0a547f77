"""Changes to YAML files: `pull`, accepted drift and `fmt`."""
