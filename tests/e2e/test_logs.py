"""With KAIZEN_LOG_FORMAT=json the workers' lines are objects that join what Kaizen stored by their ids."""

import json
from pathlib import Path


def test_the_lines_of_an_analysis_have_its_id(home_of):
    home = home_of(log_format="json")
    with home.up("--no-flower", "--workers", "1") as (_, state):
        questions = home.folder / "log.jsonl"
        questions.write_text(
            "".join(json.dumps({"query": f"question {number} of a@b.example"}) + "\n" for number in range(30))
        )
        home.run("push", questions)
        cycle = home.run("analyze", "--wait")
        lines = [json.loads(line) for line in _lines(state["log"])]
    assert lines
    about = [line for line in lines if line.get("cycle_id") == cycle["id"]]
    assert about
    assert {(line["job"], line["tenant"]) for line in about} == {("kaizen.analyze", "default")}
    assert not any("a@b.example" in str(line) or "question 1" in str(line) for line in lines)


def _lines(log):
    """Those that are JSON; the server's and banners are their own."""
    return [line for line in Path(log).read_text().splitlines() if line.startswith("{")]
