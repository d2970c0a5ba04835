"""A log of two gigabytes is read in the memory of a small one: peak of the process that reads, beside one of 20 MB."""

import json
import subprocess
import sys

import pytest

READ = """
import resource, sys
from kaizen_api import formats
count = sum(1 for _ in formats.read(__import__("pathlib").Path(sys.argv[1])))
print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
TEXT = "Could you tell me how to get a new card? " * 12
SIZES = {"20 MB": 20_000_000, "2 GB": 2_000_000_000}


def record(number):
    return {"query": f"{TEXT}{number}", "response": TEXT, "session_id": f"s{number % 1000}", "response_time": 1.5}


def chat(number):
    asked, answered = {"role": "user", "content": f"{TEXT}{number}"}, {"role": "assistant", "content": TEXT}
    return {"id": f"c{number}", "messages": [asked, answered]}


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("made", [record, chat], ids=["native", "openai"])
def test_peak_of_the_process_that_reads(tmp_path, made):
    peaks = {}
    for name, size in SIZES.items():
        path = tmp_path / "log.jsonl"
        written = lines = 0
        with path.open("w") as log:
            while written < size:
                written += log.write(json.dumps(made(lines)) + "\n")
                lines += 1
        done = subprocess.run([sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=True)
        count, peak = done.stdout.split()
        path.unlink()
        assert int(count) == lines
        peaks[name] = float(peak)
    print(f"\n{made.__name__}: " + ", ".join(f"{name}: {peak:.0f} MB" for name, peak in peaks.items()))
    assert peaks["2 GB"] < peaks["20 MB"] + 20
