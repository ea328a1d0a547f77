"""Plans and reports → text for people and machines; pure, and without a second diff."""
