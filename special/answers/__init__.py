"""What to ask the user, and what answers change."""
