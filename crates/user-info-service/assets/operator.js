// Renews what the page marks with data-live, in place: scroll position, opened details, focus and a selection stay.
"use strict";

const period = Math.max(Number(document.documentElement.dataset.refreshMs), 200);
const pause = document.getElementById("pause");
let paused = false;

function isInUse(element) {
  const selection = getSelection();
  return !selection.isCollapsed && element.contains(selection.anchorNode);
}

function renew(element, fresh) {
  if (!fresh || element.innerHTML === fresh.innerHTML || isInUse(element)) return;
  for (const opened of element.querySelectorAll("details[open][id]")) {
    fresh.querySelector(`details[id="${CSS.escape(opened.id)}"]`)?.setAttribute("open", "");
  }
  const scrolled = [...element.querySelectorAll(".scroll")].map((part) => [part.getAttribute("aria-label"), part.scrollLeft]);
  const focused = element.contains(document.activeElement) ? document.activeElement.id : "";
  element.replaceChildren(...fresh.childNodes);
  for (const [label, left] of scrolled) {
    const part = element.querySelector(`.scroll[aria-label="${CSS.escape(label)}"]`);
    if (part && left) part.scrollLeft = left;
  }
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

function showSilence() {
  const health = document.querySelector("#health .health");
  const shown = document.querySelector("#now time")?.textContent ?? "";
  health.className = "health broken";
  const title = document.createElement("h2");
  const mark = document.createElement("span");
  mark.className = "mark";
  mark.setAttribute("aria-hidden", "true");
  title.append(mark, "No answer");
  const text = document.createElement("p");
  text.textContent = `The service does not answer. What is shown is of ${shown}; trying again.`;
  if (health.textContent !== title.textContent + text.textContent) health.replaceChildren(title, text);
  document.title = "No answer · user-info";
}

async function refresh() {
  if (paused || document.hidden) return;
  try {
    const response = await fetch(location.href, { cache: "no-store" });
    if (!response.ok) throw new Error(response.statusText);
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    if (paused) return;
    document.title = fresh.title;
    for (const element of document.querySelectorAll("[data-live]")) renew(element, fresh.getElementById(element.id));
  } catch {
    showSilence();
  }
}

async function loop() {
  await refresh();
  setTimeout(loop, period);
}

pause.hidden = false;
pause.addEventListener("click", () => {
  paused = !paused;
  pause.textContent = paused ? "Go on" : "Pause";
});
document.addEventListener("visibilitychange", refresh);
setTimeout(loop, period);
