"""``report.html``: one page that shows a map and how far to believe it, without a network."""
