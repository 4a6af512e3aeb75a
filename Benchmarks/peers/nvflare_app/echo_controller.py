"""The server: NVFlare's FedAvg, with the time of each step written down and nothing saved."""
import json
import time

import numpy as np
from nvflare.app_common.abstract.fl_model import FLModel, ParamsType
from nvflare.app_common.workflows.fedavg import FedAvg


class EchoFedAvg(FedAvg):
    def __init__(self, tensors: int, count: int, events: str, num_clients: int, num_rounds: int):
        super().__init__(persistor_id="", num_clients=num_clients, num_rounds=num_rounds)
        self.tensors, self.count, self.events = tensors, count, events

    def note(self, event, **facts):
        with open(self.events, "a") as file:
            file.write(json.dumps({"event": event, "time": time.time()} | facts) + "\n")

    def load_model(self):
        random = np.random.default_rng(7)
        params = {f"t{i:04d}": random.standard_normal(self.count, dtype=np.float32) for i in range(self.tensors)}
        self.ends = {name: params[name].copy() for name in ("t0000", f"t{self.tensors - 1:04d}")}
        return FLModel(params=params, params_type=ParamsType.FULL)

    def save_model(self, model):
        pass

    def send_model(self, *arguments, **options):
        self.note("start", round=self.current_round + 1)
        return super().send_model(*arguments, **options)

    def update_model(self, model, result):
        model = super().update_model(model, result)
        self.note("aggregated", round=self.current_round + 1)
        if self.current_round + 1 == self.num_rounds:
            weights = [100 + i for i in range(self.num_clients)]
            shift = self.num_rounds * sum(w * 0.5 * (1 + i) for i, w in enumerate(weights)) / sum(weights)
            error = max(float(np.abs(model.params[name] - first - shift).max()) for name, first in self.ends.items())
            self.note("done", error=error)
        return model
