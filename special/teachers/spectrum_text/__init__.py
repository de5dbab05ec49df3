"""The spectrum-text teacher: class names read as land-cover concepts, pixels judged on all the bands there are."""
