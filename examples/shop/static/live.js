// Renews what the guards saw, once a second. It touches only what has changed, and leaves open what was opened.
// Without it, the page has a link.
"use strict";
const shown = new Map();

function show(part) {
  if (shown.get(part.id) === part.innerHTML) return;
  shown.set(part.id, part.innerHTML);
  const old = document.getElementById(part.id);
  const open = new Set([...old.querySelectorAll("details[open]")].map((d) => d.dataset.id));
  old.innerHTML = part.innerHTML;
  for (const d of old.querySelectorAll("details")) d.open = open.has(d.dataset.id);
}

async function renew() {
  if (!document.hidden) {
    try {
      const answer = await fetch("/break/live");
      if (answer.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        for (const part of page.body.children) show(part);
      }
    } catch {
      // The shop is closed; it may open again.
    }
  }
  setTimeout(renew, 1000);
}
renew();
