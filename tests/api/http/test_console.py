"""The console in a real browser, on a wide screen and on a telephone's."""

import asyncio
import contextlib
import json
import os
import shutil
import socket

import msgspec
import pytest
import uvicorn
import zstandard
from fastapi import Request, Response
from selectolax.lexbor import LexborHTMLParser

from kaizen_api import keys
from kaizen_api.http import create_app
from kaizen_api.schema import Effect, Gap, Insight, Interval, Record, Topic

WIDTHS = {"telephone": 420, "desk": 1200}
DIFFERENCE = Interval(estimate=0.511, low=0.375, high=0.647, unit="share")
FOUND = {
    "insight": [
        Insight(
            id=f"i{number}",
            type="gap",
            description="Questions about 'card · pin reset at a cash machine' go unserved 51 points more often.",
            confidence=0.987,
            effect=DIFFERENCE if number else Interval(estimate=2.345, low=1.5, high=float("inf"), unit="s"),
            evidence=["x1", "x2"],
            recommendation="Add the entries that were found, or write down how a PIN is reset.",
            support=160,
            topic="t1",
        )
        for number in range(3)
    ],
    "gap": [Gap(id="g1", topic="t1", diagnosis="missing", users=12, queries=["reset a card pin", "new pin"])],
    "effect": [
        Effect(
            id="i9",
            insight="i9",
            topic="t1",
            applied_at=1_700_000_000_000_000,
            exposed=80,
            exposed_failures=8.0,
            held_out=20,
            held_out_failures=9.5,
            difference=Interval(estimate=-0.375, low=-0.5, high=-0.25, unit="share"),
            p_value=0.004,
        )
    ],
}
TOPIC = Topic(
    id="t1",
    name="card · pin",
    size=1160,
    failure_rate=0.5123,
    exemplars=["how do I reset my PIN?"] * 3,
    signs={"error": 0.0416},
    response_time_p95=2.345678,
)
PROBE = """
const root = document.documentElement;
const inside = (node) => {
  const box = node.getBoundingClientRect();
  return box.left >= 0 && box.right <= root.clientWidth;
};
setInterval(() => {
  const all = [...document.querySelectorAll(".actions button")];
  const rows = [...document.querySelectorAll("#insights tbody tr")].map((row) => row.getBoundingClientRect().height);
  const boxes = [...document.querySelectorAll(".scroll")];
  const closed = document.querySelector("#insights details:not([open])");
  if (closed && !document.querySelector("#insights details[open]") && location.hash === "#open") closed.open = true;
  parent.document.body.dataset.probe = JSON.stringify({
    room: root.clientWidth, sideways: root.scrollWidth - root.clientWidth,
    scrolls: boxes.filter((box) => box.scrollWidth > box.clientWidth).length,
    buttons: all.length, inside: all.filter(inside).length, rows, page: document.body.outerHTML,
  });
}, 50);
"""


@pytest.fixture
def browser():
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no chromium on PATH: install Debian's package chromium")
    return found


@pytest.fixture
def found(api_redis):
    api_redis.hset(keys.snapshot("acme"), "topics", msgspec.msgpack.encode([TOPIC]))
    for kind, things in FOUND.items():
        for rank, thing in enumerate(things):
            api_redis.hset(keys.objects("acme", kind), thing.id, msgspec.msgpack.encode(thing))
            api_redis.zadd(keys.order("acme", kind), {thing.id: rank})


@contextlib.asynccontextmanager
async def served(app):
    """A real server; yields its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        running = asyncio.create_task(server.serve([listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        finally:
            server.should_exit = True
            await running


def probed(app):
    """The application, its console in a frame of a width, with a script more that says what the browser made of it.

    A browser's own window has a least width, above that of a telephone.
    """

    @app.get("/framed/{width}")
    async def framed(width: int, part: str = "") -> Response:
        frame = f'<iframe src="/#{part}" width="{width}" height="900"></iframe>'
        return Response(f"<body>{frame}</body>", media_type="text/html")

    @app.middleware("http")
    async def add(request: Request, call_next) -> Response:
        answer = await call_next(request)
        if request.url.path != "/":
            return answer
        text = b"".join([part async for part in answer.body_iterator]).decode()
        policy = answer.headers["content-security-policy"]
        nonce = policy.partition("'nonce-")[2].partition("'")[0]
        headers = {"content-security-policy": policy.replace("frame-ancestors 'none'", "frame-ancestors 'self'")}
        text = text.replace("</body>", f'<script nonce="{nonce}">{PROBE}</script></body>')
        return Response(text, headers=headers, media_type="text/html")

    return app


@pytest.fixture
async def seen(browser, found, api_config, engine, tmp_path):
    """What a browser of that width shows: (the page, what the probe saw)."""
    del found

    async def look(width, part=""):
        quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
        apart = [f"--user-data-dir={tmp_path / 'browser'}", "--virtual-time-budget=5000", "--dump-dom"]
        async with served(probed(create_app(api_config, engine))) as url:
            process = await asyncio.create_subprocess_exec(
                *(browser, *quiet, *apart, f"--window-size={width + 80},1000", f"{url}framed/{width}?part={part}"),
                env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8"},
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
            page, _ = await asyncio.wait_for(process.communicate(), 120)
        probe = json.loads(LexborHTMLParser(page.decode()).body.attributes["data-probe"])
        return LexborHTMLParser(probe.pop("page")), probe

    return look


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
async def test_every_step_is_on_the_screen(seen, width):
    _, probe = await seen(width)
    assert width - 20 <= probe["room"] <= width  # the bar that scrolls down takes some
    assert (probe["buttons"], probe["inside"]) == (6, 6)
    assert (probe["sideways"], probe["scrolls"]) == (0, 0)
    assert max(probe["rows"]) < 450  # two insights on a screen of a telephone


async def test_numbers_are_said_as_everywhere(seen):
    tree, _ = await seen(WIDTHS["telephone"])
    rows = {name: tree.css(f"#{name} tbody tr") for name in ("insights", "effects", "topics")}
    cells = {
        name: [{cell.attributes["data-label"]: cell.text(strip=True) for cell in row.css("td")} for row in found]
        for name, found in rows.items()
    }
    assert {row["Effect size"] for row in cells["insights"]} == {
        "+51.1 points (95 % interval +37.5 to +64.7)",
        "2.35 s (95 % interval 1.5 to ?)",
    }
    assert cells["insights"][0]["Confidence"] == "98.7%"
    assert cells["effects"][0]["Difference"] == "-37.5 points (95 % interval -50.0 to -25.0)"
    assert cells["topics"][0]["Failure rate"] == "51.2%"
    assert (cells["topics"][0]["Errors"], cells["topics"][0]["95 % within"]) == ("4.2%", "2.35 s")


async def test_the_evidence_opens_with_what_stands_behind_a_finding(seen, api_redis):
    kept = Record(id="x1", occurred_at=1_700_000_000_000_000, query="reset <b>my</b> PIN", response="Sorry, no.")
    packed = zstandard.compress(msgspec.msgpack.encode([kept]))
    api_redis.xadd(keys.log("acme"), {"b": packed})
    tree, _ = await seen(WIDTHS["desk"], "open")
    opened = tree.css_first("#insights details[open]").text()
    for part in (
        "topic 'card · pin' (t1)",
        "of 100 findings as sure",
        "reset <b>my</b> PIN",
        "Sorry, no.",
        "1 more are",
    ):
        assert part in opened, part


async def test_a_card_is_still_a_table_to_whoever_hears_it(seen):
    tree, _ = await seen(WIDTHS["telephone"])
    for tag, role in (("table", "table"), ("tr", "row"), ("th", "columnheader"), ("td", "cell"), ("tbody", "rowgroup")):
        roles = {node.attributes.get("role") for node in tree.css(f"#insights {tag}")}
        assert roles == {role}, tag
