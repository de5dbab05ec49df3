"""The run: what was asked, what each step left behind, and what has to be done again."""
