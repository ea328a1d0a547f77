"""The house is built as its plan says."""
