"""The engine behind the queue."""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # else onnxruntime calls home and leaves files, from its import on
