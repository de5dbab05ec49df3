"""Spectral libraries: measured spectra with names and metadata, read from the forms they are published in."""
