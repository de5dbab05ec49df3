"""Many scenes: lists of them, workers that take one after the other, and a table of what became of each.

Nothing here knows what is done with a scene: a task is a function by its name and what it is given, as JSON.
"""
