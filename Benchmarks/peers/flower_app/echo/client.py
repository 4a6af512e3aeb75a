"""A site: adds its constant."""
import numpy as np
from flwr.app import Array, ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

app = ClientApp()


@app.train()
def train(message: Message, context: Context) -> Message:
    site = int(context.node_config["partition-id"])
    # Another number at each site: the object store keeps equal uploads once.
    addend = np.float32(0.5 * (1 + site))
    arrays = ArrayRecord({name: Array(value.numpy() + addend) for name, value in message.content["arrays"].items()})
    content = RecordDict({"arrays": arrays, "metrics": MetricRecord({"num-examples": 100 + site})})
    return Message(content=content, reply_to=message)
