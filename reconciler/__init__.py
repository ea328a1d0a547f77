"""Keep a Systeme.io account in the state that YAML files declare."""

__version__ = "0.1.0"
