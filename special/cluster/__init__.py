"""Many scenes, or a large one: lists of scenes, workers that take one task after the other, what became of each.

Nothing here knows what is done with a scene: a task is a function by its name and what it is given, as JSON.
"""
