"""Class names: the list of them, how each is read, and the encoders that read them."""
