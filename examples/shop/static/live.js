// Renews what the guards saw, once a second, and leaves open what was opened. Without it, the page has a link.
"use strict";
const live = document.getElementById("live");

async function renew() {
  if (!document.hidden) {
    try {
      const answer = await fetch("/break/live");
      if (answer.ok) {
        const open = new Set([...live.querySelectorAll("details[open]")].map((d) => d.dataset.id));
        live.innerHTML = await answer.text();
        for (const d of live.querySelectorAll("details")) d.open = open.has(d.dataset.id);
      }
    } catch {
      // The shop is closed; it may open again.
    }
  }
  setTimeout(renew, 1000);
}
renew();
