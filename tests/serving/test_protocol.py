"""The Open Inference Protocol as clients that nobody here wrote speak it."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest
import tritonclient.http as triton

from tests.serving.world import NAMES, Served, asked, sample

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def client(shared: Served) -> triton.InferenceServerClient:
    return triton.InferenceServerClient(shared.address.removeprefix("http://"))


def inputs(frame, *, binary: bool) -> list[triton.InferInput]:
    made = []
    for name in NAMES:
        one = triton.InferInput(name, [len(frame)], "FP64")
        one.set_data_from_numpy(frame[name].to_numpy(), binary_data=binary)
        made.append(one)
    return made


def test_tritons_client_finds_the_server_alive_ready_and_described(client: triton.InferenceServerClient) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("credit")
    assert client.is_model_ready("credit", "2")
    assert not client.is_model_ready("credit", "1")
    assert client.get_server_metadata()["extensions"] == ["binary_tensor_data"]
    told = client.get_model_metadata("credit")
    assert [one["name"] for one in told["inputs"]] == list(NAMES)
    assert {one["datatype"] for one in told["inputs"]} == {"FP64"}
    assert told["versions"] == ["2"]


@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("binary_out", [True, False])
def test_tritons_client_gets_the_models_own_scores(
    shared: Served, client: triton.InferenceServerClient, binary_in: bool, binary_out: bool
) -> None:
    frame = sample(7, 25)
    wanted = [triton.InferRequestedOutput(name, binary_data=binary_out) for name in ("score", "decision", "reasons")]
    reply = client.infer("credit", inputs(frame, binary=binary_in), outputs=wanted, request_id="r-1")
    own = shared.service.lineup.champion.predictor.model.predict_proba(frame[list(NAMES)])[:, 1]
    assert np.array_equal(reply.as_numpy("score"), own)
    words = [value.decode() if isinstance(value, bytes) else value for value in reply.as_numpy("decision")]
    assert words == ["adverse" if score < 0.5 else "favourable" for score in own]
    assert reply.as_numpy("reasons").shape == (25, 4)
    assert reply.get_response()["id"] == "r-1"
    assert reply.get_response()["model_version"] == "2"


def test_tritons_client_may_send_one_tensor_with_all_columns(shared: Served, client: triton.InferenceServerClient) -> None:
    frame = sample(8, 3)
    whole = triton.InferInput("input-0", [3, 4], "FP32")
    whole.set_data_from_numpy(frame[list(NAMES)].to_numpy(np.float32))
    reply = client.infer("credit", [whole])
    own = shared.service.lineup.champion.predictor.model.predict_proba(frame[list(NAMES)].astype(np.float32).astype(float))[:, 1]
    assert np.allclose(reply.as_numpy("score"), own, rtol=0, atol=1e-15)


def test_tritons_client_is_told_in_a_sentence(client: triton.InferenceServerClient) -> None:
    from tritonclient.utils import InferenceServerException

    frame = sample(9, 2).rename(columns={"debt": "dept"})
    made = []
    for name in ("income", "dept", "age", "late"):
        one = triton.InferInput(name, [2], "FP64")
        one.set_data_from_numpy(frame[name].to_numpy())
        made.append(one)
    with pytest.raises(InferenceServerException, match=r"no column 'dept'\. Did you mean 'debt'"):
        client.infer("credit", made)
    with pytest.raises(InferenceServerException, match=r"No model 'credti' is served here\. Did you mean credit"):
        client.infer("credti", inputs(sample(9, 2), binary=True))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"income": [None]}, "column 'income' is missing in row 0"),
        ({"names": ("income", "age", "late")}, "no column 'debt'"),
        ({"names": (*NAMES, "height")}, "reads no column 'height'"),
        ({"income": [1.0, 2.0]}, "shape"),
        ({"rows": 0}, "no rows"),
    ],
)
def test_what_the_model_cannot_read_is_a_4xx_that_names_the_column(shared: Served, change: dict, sentence: str) -> None:
    status, _, body = shared.client.infer(**change)
    assert status == 400
    assert sentence in body["error"]


@pytest.mark.parametrize(
    ("item", "sentence"),
    [
        ({"datatype": "BYTES", "data": ["a"]}, "is a number, and the request gives it as text"),
        ({"datatype": "FP64", "data": ["a"]}, "has datatype FP64 and holds 'a'"),
        ({"datatype": "FP65", "data": [1]}, "datatype 'FP65'"),
        ({"datatype": "INT8", "data": [300]}, "INT8 cannot hold"),
        ({"datatype": "FP64", "data": [True]}, "holds 'True'"),
        ({"datatype": "FP64", "data": [1.0], "shape": [2]}, "asks for 2"),
        ({"datatype": "FP64", "data": [1.0], "shape": [-1]}, "needs a shape"),
    ],
)
def test_a_wrong_type_is_a_sentence(shared: Served, item: dict, sentence: str) -> None:
    body = asked()
    body["inputs"][0] = {"name": "income", "shape": [1], **item}
    status, _, said = shared.client.post("/v2/models/credit/infer", body)
    assert status == 400
    assert sentence in said["error"]


def test_bodies_are_bounded_and_odd_ones_refused(shared: Served) -> None:
    assert _announced(shared, 8 * 2**20 + 1) == 413
    assert shared.client.post("/v2/models/credit/infer", b"{", Content_Type="application/json")[0] == 400
    assert shared.client.post("/v2/models/credit/infer", b'{"inputs": [NaN]}')[0] == 400
    assert shared.client.post("/v2/models/credit/infer", b"x", Content_Encoding="br")[0] == 415
    assert shared.client.post("/v2/models/credit/infer", b"{}", Inference_Header_Content_Length="99")[0] == 400
    assert shared.client.get("/v2/models/credit/infer")[0] == 405
    assert shared.client.get("/v2/models/none")[0] == 404


@pytest.mark.parametrize("coded", ["gzip", "deflate"])
@pytest.mark.parametrize("binary", [False, True])
def test_tritons_client_may_compress(shared: Served, client: triton.InferenceServerClient, coded: str, binary: bool) -> None:
    frame = sample(9, 3)
    plain, packed = (
        client.infer("credit", inputs(frame, binary=binary), request_compression_algorithm=how, response_compression_algorithm=how)
        for how in (None, coded)
    )
    assert packed.as_numpy("score").tolist() == plain.as_numpy("score").tolist()


def test_a_compressed_body_is_bounded_by_what_it_unpacks_to_and_must_be_whole(shared: Served) -> None:
    def sent(raw: bytes) -> tuple[int, str]:
        status, _, body = shared.client.post("/v2/models/credit/infer", raw, Content_Encoding="gzip")
        return status, body.get("error", "")

    whole = gzip.compress(json.dumps(asked()).encode())
    assert sent(whole)[0] == 200
    bomb = gzip.compress(b" " * 2**28, 9)  # 256 MiB in a quarter of one
    assert len(bomb) < 2**20
    assert sent(bomb) == (413, "The body is over 8,388,608 bytes.")
    assert sent(b"x")[0] == 400
    assert "ends early" in sent(whole[:-9])[1]
    assert "behind its end" in sent(whole + b"more")[1]


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b'{"inputs": [{"name": "income", "shape": [1], "data": [1.0]}]}', "datatype 'None'"),
        (b'{"inputs": [{"name": "income", "datatype": "FP64", "data": [1.0]}]}', "needs a shape"),
        (b'{"inputs": [{"name": "income", "datatype": "FP64", "shape": [], "data": [1.0]}]}', "needs a shape"),
        (b'{"inputs": [{"name": "income", "datatype": "FP64", "shape": [1]}]}', "has no data"),
        (b'{"inputs": [{"name": "income", "datatype": "FP64", "shape": [1], "data": [NaN]}]}', "is no JSON"),
        (b'{"inputs": [{"name": "income", "datatype": "FP64", "shape": [1], "data": [Infinity]}]}', "is no JSON"),
        (b'{"inputs": [{"name": "income", "datatype": "FP64", "shape": [1], "data": [1e999]}]}', "is no JSON"),
        (b'{"inputs": [{"name": "income", "datatype": "BF16", "shape": [1], "data": [1.0]}]}', "datatype 'BF16'"),
        (b'{"inputs": [{"name": "income", "datatype": "FP64", "shape": [0], "data": []}]}', "no column 'debt'"),
        (b'{"inputs": [{"name": "input-0", "datatype": "FP64", "shape": [0, 4], "data": []}]}', "no rows"),
        (b'{"inputs": [{"name": "input-0", "datatype": "FP64", "shape": [1, 3], "data": [1, 2, 3]}]}', "expected [rows, 4]"),
        (b'{"inputs": [{"name": "input-0", "datatype": "FP64", "shape": [4], "data": [1, 2, 3, 4]}]}', "expected [rows, 4]"),
        (b'{"inputs": [{"name": "input-0", "datatype": "FP64", "shape": [100000000000, 4], "data": []}]}', "rows; at most"),
        (b'{"inputs": [{"name": "income", "datatype": "FP64", "shape": [1], "parameters": {"binary_data_size": 8}}]}', "does not hold"),
        (b'{"id": 7, "inputs": [{"name": "income", "datatype": "FP64", "shape": [1], "data": [1.0]}]}', "`id` must be"),
        (b"[]", "no JSON object"),
        (b"", "no JSON"),
        (b"\xff\xfe{}", "no JSON"),
        (b"[" * 100_000, "no JSON"),
    ],
)
def test_an_odd_request_is_a_400_with_its_sentence(shared: Served, raw: bytes, sentence: str) -> None:
    status, _, body = shared.client.post("/v2/models/credit/infer", raw)
    assert (status, sentence in body["error"]) == (400, True), body


def _announced(shared: Served, size: int) -> int:
    """The status of a request that says it has so many bytes, before it sent any."""
    import http.client

    link = http.client.HTTPConnection(shared.address.removeprefix("http://"), timeout=10)
    link.putrequest("POST", "/v2/models/credit/infer")
    link.putheader("Content-Length", str(size))
    link.endheaders()
    status = link.getresponse().status
    link.close()
    return status


def test_a_body_that_says_no_length_is_bounded_too(shared: Served) -> None:
    import socket

    host, port = shared.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as link:
        link.sendall(b"POST /v2/models/credit/infer HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        chunk = b"%x\r\n" % 2**20 + b" " * 2**20 + b"\r\n"
        try:
            for _ in range(9):
                link.sendall(chunk)
        except ConnectionError:
            pass
        assert b" 413 " in link.recv(64)
    assert shared.client.get("/v2/health/ready")[0] == 200
