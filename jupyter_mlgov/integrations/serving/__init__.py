"""The door to Starlette, uvicorn and prometheus-client: the Open Inference Protocol over HTTP."""
