"""Language models: asked for descriptions and reflectance sketches, over an OpenAI-compatible address."""
