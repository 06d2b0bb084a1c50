"""Run by the Python of KServe's environment: its inference client against an address. Prints what came back as JSON."""

from __future__ import annotations

import asyncio
import json
import sys

import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig


async def main(address: str) -> dict[str, object]:
    client = InferenceRESTClient(RESTConfig(protocol="v2"))
    columns = {"income": [0.1, -2.0], "debt": [0.5, 2.0], "age": [0.0, 0.0], "late": [0.0, 1.0]}
    inputs = [InferInput(name=name, shape=[2], datatype="FP64", data=data) for name, data in columns.items()]
    found = await client.infer(address, InferRequest(model_name="credit", infer_inputs=inputs, request_id="k-1"), model_name="credit")
    packed = [InferInput(name=name, shape=[2], datatype="FP64") for name in columns]
    for one in packed:
        one.set_data_from_numpy(np.array(columns[one.name]), binary_data=True)
    binary = await client.infer(address, InferRequest(model_name="credit", infer_inputs=packed), model_name="credit")
    nothing = [InferInput(name=name, shape=[0], datatype="FP64", data=[]) for name in columns]
    try:
        await client.infer(address, InferRequest(model_name="credit", infer_inputs=nothing), model_name="credit")
        empty = ""
    except Exception as error:  # as below
        empty = str(error)
    wrong = [InferInput(name="dept", shape=[2], datatype="FP64", data=[0.0, 1.0]), *inputs[:1], *inputs[2:]]
    try:
        await client.infer(address, InferRequest(model_name="credit", infer_inputs=wrong), model_name="credit")
        refused = ""
    except Exception as error:  # httpx' error, whatever it is called
        refused = str(error)
    return {
        "live": await client.is_server_live(address),
        "ready": await client.is_server_ready(address),
        "model": await client.is_model_ready(address, "credit"),
        "id": found.id,
        "score": found.outputs[0].data,
        "names": [output.name for output in found.outputs],
        "binary": binary.outputs[0].data,
        "empty": empty,
        "refused": refused,
    }


print(json.dumps(asyncio.run(main(sys.argv[1]))))
