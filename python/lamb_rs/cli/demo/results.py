"""Results of the demo, as a table and as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import lamb_rs
from lamb_rs.cli.machine import cpu, description
from lamb_rs.cli.table import finite, text_table

if TYPE_CHECKING:
    from lamb_rs.cli.demo.training import Plan, Run
    from lamb_rs.cli.images.dataset import Data


@dataclass(frozen=True)
class Results:
    """All runs of one demo.

    Attributes
    ----------
    data : Data
        The images.
    plan : Plan
        What the runs have in common.
    runs : list of Run
        Grouped by optimizer.
    picture : str
        Path of the picture.
    """

    data: Data
    plan: Plan
    runs: list[Run]
    picture: str

    @property
    def best(self) -> dict[str, Run]:
        """The run of each optimizer with the highest test accuracy at the end."""
        best: dict[str, Run] = {}
        for run in self.runs:
            leader = best.get(run.optimizer)
            if leader is None or run.accuracy > leader.accuracy:
                best[run.optimizer] = run
        return best

    @property
    def at_an_edge(self) -> list[str]:
        """Optimizers whose best rate is the least or the largest of several."""
        found = []
        for name, best in self.best.items():
            tried = sorted(run.rate for run in self.runs if run.optimizer == name)
            if len(tried) > 1 and best.rate in (tried[0], tried[-1]):
                found.append(name)
        return found

    def table(self) -> str:
        """Return a row per run; a star marks the best rate of each optimizer."""
        best = self.best
        rows: list[list[str]] = []
        for run in self.runs:
            mark = " *" if run is best[run.optimizer] else "  "
            accuracy = "diverged" if run.diverged else f"{100 * run.accuracy:.1f} %"
            rows.append(
                [
                    run.optimizer,
                    f"{run.rate:g}",
                    accuracy + mark,
                    f"{run.seconds:.2f}",
                    f"{100 * run.share:.1f} %",
                    f"{run.state_bytes / 1e6:.2f} MB",
                ]
            )
        header = ["optimizer", "rate", "test accuracy  ", "seconds", "in optimizer", "state"]
        return text_table(header, rows) + (
            "\n* best rate of the optimizer; in optimizer: share of the time that `apply` takes"
            f"\n{description()}"
        )

    def as_json(self) -> dict[str, object]:
        """Return everything that the table and the picture show, for `json.dumps`."""
        best = self.best
        runs = [
            {
                **asdict(run),
                "trust_ratios": run.trust_ratios.tolist(),
                "accuracy": run.accuracy,
                "diverged": run.diverged,
                "best": run is best[run.optimizer],
            }
            for run in self.runs
        ]
        plan = {**asdict(self.plan), "steps": self.plan.steps, "warmup": self.plan.warmup}
        data = {
            "name": self.data.name,
            "source": self.data.source,
            "train": len(self.data.train_images),
            "test": len(self.data.test_images),
        }
        return {
            "data": data,
            "plan": plan,
            "cpu": cpu(),
            "simd": lamb_rs.info()["simd"],
            "threads": lamb_rs.get_num_threads(),
            "runs": finite(runs),
            "picture": self.picture,
        }
