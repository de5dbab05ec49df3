"""Land cover: the table of concepts and their expected reflectance, what it says in words, and what is plausible."""
