// What the page of a result does with JavaScript: zoom, search, and the drawn call graph. Without it, all else
// is there. Text of the program only ever becomes text here, never markup.
"use strict";
(() => {
  const nonce = document.currentScript.nonce;
  const all = (selector, within = document) => Array.from(within.querySelectorAll(selector));
  all(".tools").forEach((tools) => { tools.hidden = false; });

  // The timeline: wider, around what is in the middle.
  all(".timeline").forEach((timeline) => {
    let zoom = 1;
    all("[data-zoom]").forEach((button) => button.addEventListener("click", () => {
      const middle = (timeline.scrollLeft + timeline.clientWidth / 2) / zoom;
      const factor = Number(button.dataset.zoom);
      zoom = factor ? Math.min(Math.max(zoom * factor, 1), 64) : 1;
      timeline.style.setProperty("--zoom", zoom);
      timeline.scrollLeft = middle * zoom - timeline.clientWidth / 2;
    }));
  });

  // The flame graph: each box is an svg element whose x and width are shares of the whole, in percent.
  all(".flames").forEach((section) => {
    const flame = section.querySelector(".flame");
    const line = section.querySelector(".hover");
    const boxes = all(".f", flame).map((element) => ({
      element,
      x: parseFloat(element.getAttribute("x")),
      width: parseFloat(element.getAttribute("width")),
      y: Number(element.getAttribute("y")),
      tip: element.querySelector("title").textContent,
    }));
    const byElement = new Map(boxes.map((box) => [box.element, box]));
    const root = boxes[0];
    const rest = line.textContent;
    line.hidden = false;

    const name = (box) => box.tip.split("\n")[0];
    const short = (full) => full.slice(full.split("[")[0].lastIndexOf("/") + 1);
    const label = (box, width) => { // in pixels
      if (width < 36 || box.element.querySelector("text")) return;
      const text = document.createElementNS("http://www.w3.org/2000/svg", "text");
      text.setAttribute("x", 3);
      text.setAttribute("y", 13);
      text.textContent = short(name(box));
      box.element.append(text);
    };
    const zoom = (to) => {
      const scale = 100 / to.width;
      const slack = 1e-3; // the shares are rounded
      const pixels = flame.clientWidth / 100; // asked for once, as the answer costs a layout
      for (const box of boxes) {
        const above = box.y < to.y && box.x <= to.x + slack && box.x + box.width >= to.x + to.width - slack;
        const below = box.y >= to.y && box.x >= to.x - slack && box.x + box.width <= to.x + to.width + slack;
        box.element.classList.toggle("above", above);
        box.element.classList.toggle("off", !above && !below);
        if (above) {
          box.element.setAttribute("x", "0%");
          box.element.setAttribute("width", "100%");
        } else if (below) {
          box.element.setAttribute("x", (box.x - to.x) * scale + "%");
          box.element.setAttribute("width", box.width * scale + "%");
          label(box, box.width * scale * pixels);
        }
      }
    };
    const at = (event) => byElement.get(event.target.closest(".f"));
    flame.addEventListener("click", (event) => { const box = at(event); if (box) zoom(box); });
    flame.addEventListener("pointerover", (event) => {
      const box = at(event);
      if (box) line.textContent = box.tip.replace(/\n/g, " · ");
    });
    section.querySelector("[data-flame-reset]").addEventListener("click", () => zoom(root));
    zoom(root); // labels

    const search = section.querySelector("input");
    search.addEventListener("input", () => {
      const wanted = search.value.trim().toLowerCase();
      flame.classList.toggle("searching", wanted !== "");
      let share = 0;
      let end = []; // of the hits that are around the current box
      let hits = 0;
      for (const box of boxes) { // each after those around it
        const hit = wanted !== "" && name(box).toLowerCase().includes(wanted);
        box.element.classList.toggle("hit", hit);
        if (!hit) continue;
        hits++;
        end = end.filter((outer) => outer.y < box.y && outer.x + outer.width > box.x + 1e-4);
        if (end.length === 0) share += box.width; // a hit within a hit counts once
        end.push(box);
      }
      line.textContent = wanted === "" ? rest : `${hits} found, with ${share.toFixed(1)} % of all`;
    });
  });

  // The call graph: drawn when it comes near the window, as the program that draws it is large.
  all(".graph").forEach((graph) => {
    const say = (text) => {
      const message = document.createElement("p");
      message.textContent = text + " ";
      const link = document.createElement("a");
      link.href = graph.dataset.dot;
      link.textContent = "The graph as text";
      message.append(link);
      graph.replaceChildren(message);
    };
    const load = () => new Promise((done, failed) => {
      const script = document.createElement("script");
      script.nonce = nonce;
      script.src = graph.dataset.viz;
      script.onload = done;
      script.onerror = () => failed(new Error("the drawing program cannot be loaded"));
      document.head.append(script);
    });
    const fetchDOT = async () => {
      const answer = await fetch(graph.dataset.dot, { credentials: "same-origin" });
      if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
      return answer.text();
    };
    const draw = async () => {
      say("The call graph is being drawn.");
      try {
        const [dot, viz] = await Promise.all([fetchDOT(), load().then(() => globalThis.Viz.instance())]);
        const font = { fontname: "Helvetica" };
        const svg = viz.renderSVGElement(dot, { nodeAttributes: font, edgeAttributes: font });
        // A graph leads nowhere and runs nothing, whatever is in it.
        all("script, foreignObject, image, use", svg).forEach((element) => element.remove());
        all("*", svg).forEach((element) => {
          for (const attribute of Array.from(element.attributes)) {
            if (/^on|href$|^style$/i.test(attribute.name)) element.removeAttribute(attribute.name);
          }
        });
        all("g.graph > polygon[fill=white]", svg).forEach((paper) => paper.setAttribute("fill", "none"));
        graph.replaceChildren(svg);
        graph.classList.add("drawn");
        move(svg);
      } catch (error) {
        say(`The call graph could not be drawn: ${error.message}.`);
      }
    };
    // move lets people drag the drawing and zoom in on it, by its viewBox.
    const move = (svg) => {
      const whole = svg.viewBox.baseVal;
      const fit = { x: whole.x, y: whole.y, width: whole.width, height: whole.height };
      let view = { ...fit };
      svg.removeAttribute("width");
      svg.removeAttribute("height");
      const show = () => svg.setAttribute("viewBox", `${view.x} ${view.y} ${view.width} ${view.height}`);
      const zoom = (factor, x = view.x + view.width / 2, y = view.y + view.height / 2) => {
        const width = Math.min(Math.max(view.width / factor, fit.width / 200), fit.width * 3);
        const scale = width / view.width;
        view = { x: x - (x - view.x) * scale, y: y - (y - view.y) * scale, width, height: view.height * scale };
        show();
      };
      const point = (event) => new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
      all("[data-graph]").forEach((button) => button.addEventListener("click", () => {
        const factor = Number(button.dataset.graph);
        if (factor) return zoom(factor);
        view = { ...fit };
        show();
      }));
      svg.addEventListener("wheel", (event) => {
        if (!event.ctrlKey && !event.metaKey) return; // else the page could not be scrolled past it
        event.preventDefault();
        const at = point(event);
        zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, at.x, at.y);
      }, { passive: false });
      svg.addEventListener("dblclick", (event) => { const at = point(event); zoom(1.6, at.x, at.y); });
      let held = null;
      svg.addEventListener("pointerdown", (event) => { held = point(event); svg.setPointerCapture(event.pointerId); });
      svg.addEventListener("pointermove", (event) => {
        if (!held) return;
        const at = point(event);
        view.x += held.x - at.x;
        view.y += held.y - at.y;
        show();
      });
      for (const end of ["pointerup", "pointercancel"]) svg.addEventListener(end, () => { held = null; });
    };
    const near = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      near.disconnect();
      draw();
    }, { rootMargin: "600px" });
    near.observe(graph);
  });

  all("[data-copy-link]").forEach((button) => {
    if (!navigator.clipboard) return;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.parentElement.querySelector("a").href);
      button.textContent = "copied";
    });
  });
})();
