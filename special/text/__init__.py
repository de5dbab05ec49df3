"""Class lists, prompts, and the encoder that reads them."""
