"""The server: Flower's FedAvg, with the time of each step written down."""
import json
import time

import numpy as np
from flwr.app import Array, ArrayRecord, Context
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg

app = ServerApp()


class Timed(FedAvg):
    events = ""

    def note(self, event, **facts):
        with open(self.events, "a") as file:
            file.write(json.dumps({"event": event, "time": time.time()} | facts) + "\n")

    def configure_train(self, server_round, *arguments, **options):
        self.note("start", round=server_round)
        return super().configure_train(server_round, *arguments, **options)

    def aggregate_train(self, server_round, replies):
        result = super().aggregate_train(server_round, replies)
        self.note("aggregated", round=server_round)
        return result


@app.main()
def main(grid: Grid, context: Context) -> None:
    given = context.run_config
    tensors, count, sites, rounds = (int(given[name]) for name in ("tensors", "count", "sites", "rounds"))
    random = np.random.default_rng(7)
    # Random and all different: the object store keeps equal tensors once.
    arrays = {f"t{i:04d}": random.standard_normal(count, dtype=np.float32) for i in range(tensors)}
    ends = {name: arrays[name].copy() for name in ("t0000", f"t{tensors - 1:04d}")}
    strategy = Timed(fraction_train=1.0, fraction_evaluate=0.0, min_train_nodes=sites, min_available_nodes=sites)
    strategy.events = str(given["events"])
    result = strategy.start(
        grid=grid, initial_arrays=ArrayRecord({name: Array(value) for name, value in arrays.items()}),
        num_rounds=rounds, timeout=float(given["limit"]))
    weights = [100 + i for i in range(sites)]
    shift = rounds * sum(w * 0.5 * (1 + i) for i, w in enumerate(weights)) / sum(weights)
    error = max(float(np.abs(result.arrays[name].numpy() - first - shift).max()) for name, first in ends.items())
    strategy.note("done", error=error)
