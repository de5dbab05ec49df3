"""What the step ``report`` puts together: figures for the warnings, and the page."""
