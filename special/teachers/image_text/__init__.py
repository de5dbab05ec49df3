"""The image-text teacher: what a CLIP sees in the scene's RGB, place by place."""
