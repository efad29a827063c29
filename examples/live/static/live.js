// Shows the prices as they come, by the way that the address names, and comes back when the server does.
"use strict";
const by = new URLSearchParams(location.search).get("by") || "coder";
const line = document.getElementById("line");
const rows = new Map(); // by name, with the prices of the last minute

for (const a of document.querySelectorAll("nav a")) if (a.dataset.by === by) a.setAttribute("aria-current", "page");

function say(open, text) {
  line.className = open ? "open" : "away";
  line.textContent = text;
}

function row(name) {
  const tr = document.querySelector("#prices tbody").insertRow();
  const th = document.createElement("th");
  th.scope = "row";
  th.textContent = name;
  tr.append(th);
  const made = { price: tr.insertCell(), since: tr.insertCell(), line: null, seen: [] };
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 60 20");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  made.line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  svg.append(made.line);
  made.cell = tr.insertCell();
  made.cell.append(svg);
  rows.set(name, made);
  return made;
}

function show(quotes) {
  say(true, "live");
  for (const q of quotes) {
    const r = rows.get(q.name) || row(q.name);
    r.seen.push(q.price);
    if (r.seen.length > 60) r.seen.shift();
    r.price.textContent = q.price.toFixed(2);
    r.since.textContent = (q.since > 0 ? "+" : "") + q.since.toFixed(2) + " %";
    r.since.className = r.cell.className = q.since > 0 ? "up" : q.since < 0 ? "down" : "";
    const low = Math.min(...r.seen), span = Math.max(...r.seen) - low || 1;
    r.line.setAttribute("points", r.seen.map((p, i) => `${i},${19 - (18 * (p - low)) / span}`).join(" "));
  }
}

// Not all at once: ten thousand pages lose a server in the same moment.
const soon = () => 500 + 2500 * Math.random();

let told = ""; // why we were told to leave, until we are back

function bySocket(path) {
  const socket = new WebSocket(new URL(path, location.href.replace(/^http/, "ws")));
  socket.onmessage = (e) => {
    told = "";
    show(JSON.parse(e.data));
  };
  socket.onclose = (e) => {
    if (e.code === 1001) told = e.reason;
    say(false, told ? `told to leave: “${told}”; back soon` : "connection lost; back soon");
    setTimeout(bySocket, soon(), path);
  };
}

function byEvents() {
  const events = new EventSource("/prices/events"); // comes back by itself, when the server's retry: says
  events.onmessage = (e) => show(JSON.parse(e.data));
  events.onerror = () => {
    say(false, "stream ended; back soon");
    if (events.readyState === EventSource.CLOSED) setTimeout(byEvents, soon()); // it was refused, for good as browsers see it
  };
}

async function byPoll() {
  for (;;) {
    try {
      const answer = await fetch("/prices/next");
      if (!answer.ok) throw new Error(answer.status);
      show(await answer.json());
    } catch {
      say(false, "no answer; back soon");
      await new Promise((back) => setTimeout(back, soon()));
    }
  }
}

const words = {
  hijacked: "WebSockets", streams: "streams and long polls", in_flight: "requests in flight",
  watched: "of these, in slowlog's table", slots: "slots of MaxInFlight taken", goroutines: "goroutines", megabytes: "MB of heap and stacks",
};

async function renew() {
  try {
    const answer = await fetch("/state");
    if (answer.ok) {
      const state = await answer.json();
      const list = document.getElementById("state");
      list.replaceChildren();
      for (const [key, word] of Object.entries(words)) {
        if (!(key in state)) continue;
        const dt = document.createElement("dt"), dd = document.createElement("dd");
        dt.textContent = word;
        dd.textContent = Math.round(state[key]).toLocaleString("en");
        list.append(dt, dd);
      }
    }
  } catch {
    // The server is away; it may come back.
  }
  setTimeout(renew, 1000);
}

if (by === "events") byEvents();
else if (by === "next") byPoll();
else bySocket(by === "gorilla" ? "/prices/gorilla" : "/prices");
renew();
