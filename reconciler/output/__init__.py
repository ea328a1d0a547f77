"""Plans and reports → text in all output formats; pure."""
