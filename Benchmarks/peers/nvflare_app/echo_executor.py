"""A site: adds its constant."""
import numpy as np
from nvflare.apis.dxo import DXO, DataKind, MetaKey, from_shareable
from nvflare.apis.executor import Executor


class EchoExecutor(Executor):
    def execute(self, task_name, shareable, fl_ctx, abort_signal):
        site = int(fl_ctx.get_identity_name().split("-")[-1]) - 1
        addend = np.float32(0.5 * (1 + site))
        data = {name: value + addend for name, value in from_shareable(shareable).data.items()}
        meta = {MetaKey.NUM_STEPS_CURRENT_ROUND: 100 + site}
        return DXO(DataKind.WEIGHTS, data=data, meta=meta).to_shareable()
