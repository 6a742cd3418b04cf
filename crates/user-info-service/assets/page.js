// Moves the counts of the users on the page. Everything else works without it.
//
// An element with data-user holds the path of a user in the API; elements inside it with data-field show a field of the
// answer. The server tells of changes (server-sent events); where it cannot, the script asks every few seconds, and the
// browser sends the validator of the last answer with the question. A page that nobody sees asks for nothing.
"use strict";
(() => {
  const POLL_MS = 2000;
  const counts = new Intl.NumberFormat("en-US");
  const followed = [...document.querySelectorAll("[data-user]")].map((element) => follow(element));

  function follow(element) {
    const path = element.dataset.user;
    let source = null;
    let timer = null;
    let polls = false;
    let current = 0;

    function show(user) {
      for (const field of element.querySelectorAll("[data-field]")) {
        const value = user[field.dataset.field];
        if (value === undefined || value === null) continue;
        const text = typeof value === "number" ? counts.format(value) : value;
        if (field.textContent === text) continue;
        field.textContent = text;
        if (typeof value === "number") mark(field);
      }
      element.dataset.live = "";
    }

    function listen() {
      source = new EventSource(path + "/events");
      source.addEventListener("user", (event) => show(JSON.parse(event.data)));
      source.addEventListener("withheld", gone);
      source.addEventListener("unknown", gone);
      source.addEventListener("error", () => {
        // The browser connects again by itself unless the answer was no stream of events.
        if (source && source.readyState === EventSource.CLOSED) {
          polls = true;
          stop();
          start();
        }
      });
    }

    async function poll(turn) {
      try {
        const response = await fetch(path, { headers: { accept: "application/json" } });
        const user = response.ok ? await response.json() : null;
        if (turn !== current) return;
        if (user) show(user);
        else if (response.status === 403 || response.status === 404) return gone();
      } catch {
        // The server is away; the next question may find it.
      }
      if (turn === current) timer = setTimeout(poll, POLL_MS, turn);
    }

    // What is to be seen instead is the server's to say.
    function gone() {
      stop();
      location.reload();
    }

    function start() {
      if (source !== null || timer !== null) return;
      if (polls) timer = setTimeout(poll, 0, current);
      else listen();
    }

    function stop() {
      if (source !== null) source.close();
      clearTimeout(timer);
      source = timer = null;
      current += 1;
    }

    return { start, stop };
  }

  function mark(field) {
    field.classList.remove("moved");
    void field.offsetWidth;
    field.classList.add("moved");
  }

  function follow_what_is_seen() {
    for (const one of followed) document.hidden ? one.stop() : one.start();
  }

  // A picture of another server that does not come is replaced by ours.
  for (const image of document.querySelectorAll("img[data-instead]")) {
    const replace = () => { image.src = image.dataset.instead; };
    if (image.complete && image.naturalWidth === 0) replace();
    else image.addEventListener("error", replace, { once: true });
  }

  const again = document.querySelector("[data-again-after]");
  if (again) setTimeout(() => location.reload(), Number(again.dataset.againAfter) * 1000);

  document.addEventListener("visibilitychange", follow_what_is_seen);
  addEventListener("pagehide", () => followed.forEach((one) => one.stop()));
  addEventListener("pageshow", follow_what_is_seen);
})();
