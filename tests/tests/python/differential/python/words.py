"""What the other modules share: failures, and what traces say of things."""

import json


class Failure(Exception):
    """What `Fail` raises; a panic there."""


def picked(index, among):
    """The number of one of several things, counted from the last."""
    return len(among) - 1 - index % len(among) if among else None


def shown(context):
    """The variables with their values, by name."""
    items = sorted((var.name, json.dumps(value)) for var, value in context.items())
    return ' '.join('%s=%s' % item for item in items)
