// What plain HTML cannot do: copy a command, name the time zone, say that the live stream is broken, and put the keyboard
// where a smoothly loaded page begins. Nothing here is needed to use a page; without it every form and link still works.
"use strict";

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  if (!source || !navigator.clipboard) return;
  navigator.clipboard.writeText(source.textContent.trim()).then(() => {
    const said = document.getElementById(button.dataset.said);
    if (said) said.hidden = false;
  });
});

// Copy buttons are of no use without a clipboard, so they appear only where there is one.
const showCopy = () => {
  if (!navigator.clipboard) return;
  for (const button of document.querySelectorAll("[data-copy][hidden]")) button.hidden = false;
};

// Only the browser knows its time zone; without scripts the same button leads to a list of them.
const nameZone = () => {
  for (const button of document.querySelectorAll("button[data-zone]")) {
    button.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "local";
  }
};

const prepare = () => {
  showCopy();
  nameZone();
};
document.addEventListener("DOMContentLoaded", prepare);

// The stream: an element with data-stream says so while it is interrupted; a session that ended shows the login.
document.addEventListener("htmx:sse:error", (event) => {
  if (event.detail.status === 401) {
    location.reload();
    return;
  }
  event.target.closest("[data-stream]")?.setAttribute("data-broken", "");
});
document.addEventListener("htmx:sse:after:message", (event) => {
  event.target.closest("[data-stream]")?.removeAttribute("data-broken");
});
document.addEventListener("session-ended", () => location.reload());

// After a smooth page change the focus would stay on a link that is gone, and a reader would hear nothing.
let seen = location.pathname;
document.addEventListener("htmx:after:swap", (event) => {
  if (event.detail.ctx?.target !== document.body) return;
  prepare();
  const wrong = document.querySelector("[aria-invalid='true']");
  if (wrong) wrong.focus();
  else if (location.pathname !== seen) document.getElementById("content")?.focus({ preventScroll: true });
  seen = location.pathname;
});

// The key "/" goes to the search field, where nothing else is being typed.
document.addEventListener("keydown", (event) => {
  if (document.body.dataset.keys === "off") return;
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest("input, select, textarea, [contenteditable]")) return;
  const field = document.querySelector("[data-find]");
  if (!field) return;
  event.preventDefault();
  field.focus();
  field.select();
});

// What is left of a trial, second by second. The page says when it ends without this, too.
const countDown = () => {
  for (const clock of document.querySelectorAll("[data-until]")) {
    const left = Math.ceil((Date.parse(clock.dataset.until) - Date.now()) / 1000);
    const text = left > 0 ? `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}` : clock.dataset.over;
    if (clock.textContent !== text) clock.textContent = text;
  }
};
setInterval(countDown, 500);
