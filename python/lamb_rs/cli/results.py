"""What the demo found, as a table and as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import lamb_rs
from lamb_rs.cli.table import finite, text_table

if TYPE_CHECKING:
    from lamb_rs.cli.data import Data
    from lamb_rs.cli.train import Plan, Run


@dataclass(frozen=True)
class Results:
    """Every run of one demo.

    Attributes
    ----------
    data : Data
        What was trained on.
    plan : Plan
        What the runs share.
    runs : list of Run
        Grouped by optimizer.
    picture : str
        Where the picture is.
    """

    data: Data
    plan: Plan
    runs: list[Run]
    picture: str

    @property
    def best(self) -> dict[str, Run]:
        """Of each optimizer, the run that ends with the highest test accuracy."""
        best: dict[str, Run] = {}
        for run in self.runs:
            leader = best.get(run.optimizer)
            if leader is None or run.accuracy > leader.accuracy:
                best[run.optimizer] = run
        return best

    def table(self) -> str:
        """One row per run; a star marks the best rate of each optimizer."""
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
        return text_table(header, rows) + "\n* best rate of the optimizer"

    def as_json(self) -> dict[str, object]:
        """Everything the table and the picture show, ready for `json.dumps`."""
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
            "threads": lamb_rs.get_num_threads(),
            "runs": finite(runs),
            "picture": self.picture,
        }
