"""Judging a model through the runtime that ships: misses, false accepts, latency."""

from models.evaluation.assess import assess, evaluate
from models.evaluation.collect import CollectedPosteriors, Setting, collect
from models.evaluation.operating_points import calibrate, write_operating_points
from models.evaluation.results import Evaluation
from models.evaluation.selection import Selection

__all__ = [
    "CollectedPosteriors",
    "Evaluation",
    "Selection",
    "Setting",
    "assess",
    "calibrate",
    "collect",
    "evaluate",
    "write_operating_points",
]
