"use strict";
// Everything shown comes from the API as JSON and goes into the page as text, never as markup.
const KEY = "kaizen-key";
const topicNames = new Map();
const byId = (id) => document.getElementById(id);
const percent = (share) => (share * 100).toFixed(1) + "%";
const time = (text) => (text ? new Date(text).toLocaleString() : "–");
const number = (value) => Number(value).toLocaleString(undefined, { maximumFractionDigits: 3 });
const threeDigits = (value) => String(Number(value.toPrecision(3)));
const points = (difference) => (difference < 0 ? "" : "+") + (difference * 100).toFixed(1);

// Every estimate in unit "share" is a difference of shares; one that is not finite comes as null.
function interval(of) {
  const [unit, known] = of.unit === "share" ? ["points", points] : [of.unit, threeDigits];
  const [estimate, low, high] = [of.estimate, of.low, of.high].map((value) => (value === null ? "?" : known(value)));
  return `${estimate} ${unit} (95 % interval ${low} to ${high})`;
}

function make(tag, content, attributes) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) node.setAttribute(name, value);
  for (const part of [].concat(content ?? [])) node.append(part);
  return node;
}

const items = (texts) => make("ul", texts.map((text) => make("li", text)));

function say(text, bad) {
  byId("status").textContent = text;
  byId("status").className = bad ? "bad" : "";
}

async function call(path, method) {
  const key = sessionStorage.getItem(KEY);
  const headers = key ? { Authorization: "Bearer " + key } : {};
  const reply = await fetch(path, { method: method || "GET", headers, credentials: "omit" });
  const document_ = await reply.json();
  if (!reply.ok) throw new Error(document_.detail || reply.statusText);
  return document_;
}

function table(caption, columns, rows) {
  if (!rows.length) return make("p", "None yet.", { class: "empty" });
  const head = columns.map(([name, , kind]) => make("th", name, { role: "columnheader", scope: "col", class: kind || "" }));
  const cell = (row) => ([name, show, kind]) => make("td", make("div", show(row)), { role: "cell", "data-label": name, class: kind || "" });
  const body = rows.map((row) => make("tr", columns.map(cell(row)), { role: "row" }));
  const parts = [
    make("caption", caption),
    make("thead", make("tr", head, { role: "row" }), { role: "rowgroup" }),
    make("tbody", body, { role: "rowgroup" }),
  ];
  // The roles are said, because on a narrow screen the style shows each row as a card, and then browsers forget them.
  return make("div", make("table", parts, { role: "table" }), {
    class: "scroll", role: "region", "aria-label": caption, tabindex: "0",
  });
}

function action(insight, verb) {
  const button = make("button", verb, { type: "button", "aria-label": `${verb}: ${insight.description}` });
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const now = await call(`/v1/insights/${encodeURIComponent(insight.id)}/${verb.toLowerCase()}`, "POST");
      say(`The insight is ${now.status} now.`);
      await show("insights");
    } catch (error) {
      say(error.message, true);
      button.disabled = false;
    }
  });
  return button;
}

function actions(insight) {
  const verbs = { proposed: ["Apply", "Dismiss"], applied: ["Revert"], confirmed: ["Revert"], no_effect: ["Revert", "Dismiss"],
    reverted: ["Apply", "Dismiss"] };
  return make("div", (verbs[insight.status] || []).map((verb) => action(insight, verb)), { class: "actions" });
}

const explained = new Map(); // insight → what was opened of it, so that it stays open when the page is brought up to date

function example(one) {
  const how = [one.error && "error: " + one.error, one.response_time !== null && threeDigits(one.response_time) + " s",
    one.signs.length && "signs: " + one.signs.join(", "), time(one.occurred_at), one.id];
  return make("li", [make("p", one.query), make("p", one.response === null ? "no answer in the log" : one.response.trim() || "(empty)", { class: "hint" }),
    make("p", how.filter(Boolean).join(" · "), { class: "hint" })]);
}

function explanation(words) {
  const seen = `First seen ${time(words.first_seen_at)}, last ${time(words.last_seen_at)}` +
    (words.over_at ? `; over ${time(words.over_at)}.` : words.stale ? "; the last analysis did not find it." : ".");
  const gone = words.gone.length ? [make("p", `${words.gone.length} more are past retention.`, { class: "hint" })] : [];
  const why = [`Where: ${words.where}.`, seen, `How sure: ${words.sureness}.`, words.chance, words.reason,
    `Against ${words.against}; test: ${words.test}.`];
  return [...why.filter(Boolean).map((text) => make("p", text)), make("ul", words.examples.map(example)), ...gone];
}

function evidence(insight) {
  const summary = `${insight.evidence.length} of ${number(insight.support)} interactions: why, and who`;
  const box = make("details", make("summary", summary), explained.has(insight.id) ? { open: "" } : {});
  if (explained.has(insight.id)) box.append(...explained.get(insight.id));
  box.addEventListener("toggle", async () => {
    if (!box.open) { explained.delete(insight.id); return; }
    if (explained.has(insight.id)) return;
    try {
      explained.set(insight.id, explanation(await call(`/v1/insights/${encodeURIComponent(insight.id)}/explanation`)));
      box.append(...explained.get(insight.id));
    } catch (error) {
      say(error.message, true);
    }
  });
  return box;
}

const VIEWS = {
  insights: ["What Kaizen found, with what to do about it", [
    ["Type", (row) => row.type],
    ["Finding", (row) => [make("p", row.description), make("p", row.recommendation, { class: "hint" })]],
    ["Confidence", (row) => percent(row.confidence), "number"],
    ["Effect size", (row) => interval(row.effect)],
    ["Evidence", evidence],
    ["Status", (row) => row.status],
    ["Step", actions],
  ]],
  gaps: ["What the assistant cannot serve, the most urgent first", [
    ["Topic", (row) => topicNames.get(row.topic) || row.topic],
    ["Diagnosis", (row) => row.diagnosis],
    ["Users", (row) => number(row.users), "number"],
    ["Asked", (row) => items(row.queries.slice(0, 3))],
    ["Entries", (row) => number(row.entries.length), "number"],
    ["Status", (row) => row.status],
  ]],
  topics: ["What people ask, the largest topics first", [
    ["Name", (row) => row.name],
    ["Interactions", (row) => number(row.size), "number"],
    ["Failure rate", (row) => percent(row.failure_rate), "number"],
    ["Errors", (row) => percent(row.signs.error || 0), "number"],
    ["95 % within", (row) => (row.response_time_p95 === null ? "" : threeDigits(row.response_time_p95) + " s"), "number"],
    ["For example", (row) => items(row.exemplars.slice(0, 3))],
  ]],
  effects: ["What each applied insight changed, against conversations held out", [
    ["Insight", (row) => row.insight],
    ["Exposed", (row) => number(row.exposed), "number"],
    ["Held out", (row) => number(row.held_out), "number"],
    ["Difference", (row) => interval(row.difference)],
    ["Verdict", (row) => row.verdict],
  ]],
  analyses: ["The last analyses", [
    ["Asked for", (row) => time(row.requested_at)],
    ["Status", (row) => row.error || row.status],
    ["Step", (row) => [row.step, row.detail].filter(Boolean).join(": ")],
    ["Interactions", (row) => number(row.interactions), "number"],
    ["Topics", (row) => number(row.topics), "number"],
    ["Insights", (row) => number(row.insights), "number"],
  ]],
};

async function show(name) {
  const [caption, columns] = VIEWS[name];
  const page = await call(`/v1/${name}?limit=${name === "analyses" ? 5 : 50}`);
  if (name === "topics") page.items.forEach((topic) => topicNames.set(topic.id, topic.name));
  byId(name).replaceChildren(table(caption + (page.next ? " (the first 50)" : ""), columns, page.items));
}

async function refresh(asked = true) {
  if (asked) say("Loading …"); // what comes by itself is not announced
  const first = await Promise.allSettled([show("topics")]); // the others name topics
  const others = Object.keys(VIEWS).filter((name) => name !== "topics");
  const shown = await Promise.allSettled(others.map(show));
  const failed = first.concat(shown).find((result) => result.status === "rejected");
  if (failed) say(failed.reason.message, true);
  else if (asked) say("As of " + new Date().toLocaleTimeString() + ".");
}

byId("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (byId("key").value) sessionStorage.setItem(KEY, byId("key").value);
  else sessionStorage.removeItem(KEY);
  byId("key").value = "";
  refresh();
});
byId("refresh").addEventListener("click", () => refresh());
setInterval(() => document.hidden || refresh(false), 1000 * Number(document.body.dataset.refresh));
byId("analyse").addEventListener("click", async () => {
  try {
    const cycle = await call("/v1/analyses", "POST");
    await show("analyses");
    say(`Analysis ${cycle.id} is ${cycle.status}.`);
  } catch (error) {
    say(error.message, true);
  }
});
refresh();
