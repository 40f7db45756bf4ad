"""Judging a report: budgets of the board, and the cost of an earlier run."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from firmware_py.bench.budget import Budget
from firmware_py.bench.comparison import Earlier, key_of
from firmware_py.bench.report import Report

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """What is allowed."""

    everyone: Budget = field(default_factory=Budget)
    budgets: Mapping[str, Budget] = field(default_factory=dict)
    """By the name of the model; others have none."""
    earlier: Earlier | None = None
    tolerance: float = 0.1
    """How much dearer than the earlier run is allowed: 0.1 is a tenth."""

    def judge(self, report: Report) -> Report:
        """Return the report with its ratio to the earlier run and everything that is over."""
        over = list(self.everyone.excesses(report.core_percent, report.rss_mb))
        own = self.budgets.get(report.name)
        if own:
            over += own.excesses(report.core_percent, report.rss_mb)
        elif self.budgets:
            log.warning(
                "%s has no budget; there is one for %s", report.name, ", ".join(self.budgets)
            )
        ratio = self._ratio(report)
        if self.earlier and ratio is not None and ratio > 1.0 + self.tolerance:
            over.append(f"{ratio:.2f} of {self.earlier.path}, {1.0 + self.tolerance:g} allowed")
        return replace(report, ratio=ratio, excesses=tuple(over))

    def _ratio(self, report: Report) -> float | None:
        if self.earlier is None:
            return None
        earlier = self.earlier
        if report.machine.model not in earlier.machines:
            log.warning("%s is of another machine: %s", earlier.path, ", ".join(earlier.machines))
        old = earlier.costs.get(key_of(report))
        if old is None:
            log.warning("%s has no %s", earlier.path, " ".join(map(str, key_of(report))))
            return None
        return report.cost.total / old
