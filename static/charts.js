// Charts under a pointer: one line through all charts of the page at the same moment, the values of that moment from
// each chart's own table, and a time that is drawn over is shown larger. Charts, tables and times work without this.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const WIDE = 1000;
const HIGH = 240;

// The chart under the pointer, and the moment there.
const momentAt = (event) => {
  const drawing = event.target.closest?.(".plot > svg");
  const figure = drawing?.closest("figure[data-start]");
  if (!figure) return null;
  const box = drawing.getBoundingClientRect();
  const part = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
  const [from, until] = [Number(figure.dataset.start), Number(figure.dataset.end)];
  return { figure, drawing, part, at: from + part * (until - from) };
};

const drawn = (drawing, name, d) => {
  let path = drawing.querySelector(`:scope > .${name}`);
  if (!path) {
    path = document.createElementNS(SVG, "path");
    path.setAttribute("class", name);
    drawing.append(path);
  }
  path.setAttribute("d", d);
};

const valuesAt = (figure, at) => {
  const rows = [...figure.querySelectorAll("tr[data-at]")].filter((row) => Number(row.dataset.at) <= at);
  const row = rows.at(-1);
  if (!row) return "";
  const names = [...figure.querySelectorAll("details thead th")].slice(1).map((cell) => cell.textContent);
  const values = [...row.cells].slice(1).map((cell) => cell.textContent);
  return [row.cells[0].textContent, ...names.map((name, index) => `${name}: ${values[index]}`)].join("   ");
};

let picking = null;

const clear = () => {
  for (const path of document.querySelectorAll(".plot .cursor, .plot .picked")) path.remove();
  for (const readout of document.querySelectorAll(".readout")) readout.textContent = "";
};

document.addEventListener("pointermove", (event) => {
  const now = momentAt(event);
  if (!now) {
    if (!picking) clear();
    return;
  }
  const charts = now.figure.closest("[data-zoom]")?.querySelectorAll("figure[data-start]") ?? [now.figure];
  for (const figure of charts) {
    const drawing = figure.querySelector(".plot > svg");
    if (!drawing) continue;
    drawn(drawing, "cursor", `M${(now.part * WIDE).toFixed(1)} 0V${HIGH}`);
    if (picking) {
      const [left, right] = [picking.part, now.part].sort((a, b) => a - b).map((part) => (part * WIDE).toFixed(1));
      drawn(drawing, "picked", `M${left} 0H${right}V${HIGH}H${left}z`);
    }
    const readout = figure.querySelector(".readout");
    if (readout) readout.textContent = valuesAt(figure, now.at);
  }
});

document.addEventListener("pointerdown", (event) => {
  const now = momentAt(event);
  picking = now?.figure.closest("[data-zoom]") && event.button === 0 && event.pointerType === "mouse" ? now : null;
  if (picking) event.preventDefault();
});

document.addEventListener("pointerup", (event) => {
  const [began, now] = [picking, momentAt(event)];
  picking = null;
  if (!began || !now || Math.abs(now.part - began.part) < 0.01) {
    if (began) clear();
    return;
  }
  const [from, until] = [began.at, now.at].sort((a, b) => a - b);
  const text = (at) => new Date(Math.round(at) * 1000).toISOString().replace(".000Z", "Z");
  const place = new URL(location.href);
  place.search = new URLSearchParams({ from: text(from), until: text(until) }).toString();
  location.assign(place);
});
