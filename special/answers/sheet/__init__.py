"""Questions in the forms that people answer them in: a page for the browser, a layer for QGIS, a table."""
