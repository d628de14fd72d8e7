/* Saves answers and rows of one copy: one request at a time, changes given meanwhile travel together in the next one.
   What others saved is asked for in the same line. A field that is being typed in, waits to be saved or was refused is
   never replaced or taken away by what the server sends. */
(() => {
  "use strict";

  const page = document.getElementById("form");
  const waiting = new Map(); // path -> value, to be sent
  const sending = new Map(); // path -> value, under way
  const typed = new Set(); // paths typed in and not yet committed
  const refused = new Map(); // path -> what stood below the field
  const withheld = new Set(); // paths that wait for their person's choice
  const orders = []; // orders of rows, or of what stands at `to`, to be sent one by one
  let ordered = null; // the one under way
  let behind = 0; // a later version that others made, to be shown; Infinity: whatever there is
  let busy = false;
  let failures = 0;
  let retry = 0;

  const field = (path) => document.getElementById(`f-${path.replaceAll("/", "-")}`);
  const shownVersion = () => Number(document.getElementById("head").dataset.version);
  const live = (text) => { document.getElementById("live").textContent = text; };

  function valueOf(element) {
    const controls = [...element.querySelectorAll("input, select, textarea")];
    if (element.dataset.widget === "checks") return controls.filter((box) => box.checked).map((box) => box.value);
    if (element.dataset.widget === "segments") return controls.find((radio) => radio.checked)?.value ?? null;
    return controls[0].dataset.value ?? controls[0].value;
  }

  /** Show how the field at `path` stands: saving, saved, failed or nothing. */
  function show(path, state, text = "") {
    const element = field(path);
    if (!element) return;
    if (state) element.dataset.save = state; else delete element.dataset.save;
    const sign = element.querySelector(".field-state");
    if (sign) sign.textContent = text;
    if (state === "saved") setTimeout(() => { if (element.dataset.save === "saved") show(path, ""); }, 2500);
  }

  /** Say in the head (and in the bar that stays on narrow screens) how the form stands. */
  function say(state, text) {
    for (const saved of document.querySelectorAll("[data-saved]")) {
      saved.dataset.state = state;
      saved.textContent = text;
    }
  }

  function showAll() {
    const open = waiting.size + sending.size + orders.length;
    if (failures) return;
    if (busy || open) say("saving", "Saving…");
    else if (withheld.size) say("failed", `Not saved: choose ${withheld.size === 1 ? "an answer" : `${withheld.size} answers`}`);
    else if (refused.size) say("failed", `Not saved: ${refused.size} ${refused.size === 1 ? "answer needs" : "answers need"} fixing`);
    else say("saved", "Saved");
  }

  function refuse(path, text) {
    const element = field(path);
    if (!element) return;
    const notes = element.querySelector(".notes");
    if (!refused.has(path)) refused.set(path, notes.innerHTML);
    const line = document.createElement("p");
    line.className = "error";
    line.textContent = `Not saved: ${text}`;
    notes.replaceChildren(line);
    element.querySelectorAll("input, select, textarea").forEach((control) => control.setAttribute("aria-invalid", "true"));
    show(path, "failed", "Not saved");
  }

  function forgive(path) {
    window.conflicts.take(path);
    window.kept.discard(path);
    if (!mend(path)) return;
    show(path, "");
    showAll();
  }

  /** Take the reason for which the answer at `path` was refused off the page. */
  function mend(path) {
    const element = field(path);
    if (refused.has(path) && element) {
      element.querySelector(".notes").innerHTML = refused.get(path);
      element.querySelectorAll("[aria-invalid]").forEach((control) => control.removeAttribute("aria-invalid"));
    }
    return refused.delete(path);
  }

  function commit(path, value) {
    // Two answers stand at the field: its person chooses, leaving the field does not.
    if (window.conflicts.has(path)) return window.conflicts.remind(path);
    if (window.kept.waits(path)) return window.kept.remind();
    typed.delete(path);
    withheld.delete(path);
    waiting.set(path, value);
    show(path, "saving", "Saving…");
    clearTimeout(retry);
    next();
  }

  function order(values) {
    orders.push(values);
    next();
  }

  // A short list may have become a long one, whose rows come closed: those that are worked in stay open.
  const isWorkedIn = (row) => row.contains(document.activeElement) || [...row.querySelectorAll(".field[data-path]")].some((element) => isHeld(element.dataset.path));
  const openRows = () => [...page.querySelectorAll(".rows > [data-open]")].filter((row) => row.matches(".long > *") || isWorkedIn(row)).map((row) => row.dataset.row.split("/").pop()).join(",");

  /** Show what others saved up to `version`, before anything of ours is sent. */
  function refresh(version = Infinity) {
    if (version <= shownVersion()) return;
    behind = Math.max(behind, version);
    next();
  }

  /** Send one request; resolves with the XMLHttpRequest, which has status 0 where nothing answered. */
  function ask(method, url, values) {
    return new Promise((resolve) => {
      const ended = (event) => {
        if (event.detail.requestConfig?.elt !== page) return;
        document.body.removeEventListener("htmx:afterRequest", ended);
        resolve(event.detail.xhr);
      };
      document.body.addEventListener("htmx:afterRequest", ended);
      const headers = { "X-Copy-Version": String(shownVersion()), "X-Open-Rows": openRows() };
      htmx.ajax(method, url, { source: page, swap: "none", values, headers }).catch(() => {});
    });
  }

  const asJson = (entries) => JSON.stringify(Object.fromEntries(entries));

  async function next() {
    if (busy) return showAll();
    if (behind > shownVersion()) return catchUp();
    if (!(waiting.size || orders.length)) return showAll();
    busy = true;
    if (waiting.size) {
      for (const [path, value] of waiting) sending.set(path, value);
      waiting.clear();
      showAll();
      const found = [...sending.keys()].map((path) => [path, field(path)?.dataset.searched]).filter(([, words]) => words);
      finish(await ask("POST", page.dataset.answers, { answers: asJson(sending), searched: asJson(found) }));
    } else {
      ordered = orders.shift();
      showAll();
      const { to = page.dataset.rows, ...told } = ordered;
      finish(await ask("POST", to, told), ordered);
    }
  }

  async function catchUp() {
    busy = true;
    behind = 0; // what is told from here on is asked for in the next round
    const xhr = await ask("GET", page.dataset.parts);
    busy = false;
    // Any other fault than a lost connection must not keep answers back.
    if (xhr.status !== 0) return next();
    if (waiting.size || orders.length) { failures += 1; fail(xhr); }
  }

  function finish(xhr, values) {
    busy = false;
    ordered = null;
    if (xhr.status >= 200 && xhr.status < 300) {
      failures = 0;
      if (values) settleRows(values);
      sending.clear();
      return next();
    }
    failures += 1;
    for (const [path, value] of sending) if (!waiting.has(path)) waiting.set(path, value);
    if (values) orders.unshift(values);
    sending.clear();
    fail(xhr);
  }

  function fail(xhr) {
    const permanent = [401, 403, 404].includes(xhr.status);
    const why = {
      0: "the connection was lost. Trying again.", 401: "you are signed out. Sign in using another tab.",
      403: "you do not have permission to change this form.", 404: "this form no longer exists.", 409: "somebody else is saving. Trying again.",
    }[xhr.status] ?? "the server had a problem. Trying again.";
    const reason = xhr.getResponseHeader?.("X-Problem");
    // Others may have answered the same meanwhile: look before sending again.
    if (xhr.status === 0) behind = Infinity;
    say("failed", `Not saved: ${reason || why} `);
    const again = document.createElement("button");
    again.type = "button"; again.className = "link"; again.textContent = "Retry";
    again.addEventListener("click", () => { failures = 0; next(); });
    document.getElementById("saved").append(again);
    for (const path of waiting.keys()) show(path, "failed", "Not saved");
    live(`Not saved: ${reason || why}`);
    if (reason && xhr.status !== 409) { orders.length = 0; return; }
    if (!permanent) retry = setTimeout(next, Math.min(30000, 1000 * 2 ** failures));
  }

  function settleRows(values) {
    if (values.order === "remove") {
      const foot = field(values.path.split("/").slice(0, -1).join("/"));
      (foot?.querySelector("[data-add]") ?? foot)?.focus({ preventScroll: true });
    }
  }

  /* The server tells by an event what it took and what it refused, before its parts are put into the page. */
  document.body.addEventListener("answers-taken", (event) => {
    const { taken = [], faults = [] } = event.detail;
    for (const path of taken) {
      const element = field(path);
      refused.delete(path);
      if (!element) continue;
      const unchanged = !typed.has(path) && !waiting.has(path);
      if (element.hasAttribute("data-masked") && unchanged) element.querySelector("input").value = "";
      if (unchanged) show(path, "saved", "Saved");
    }
    for (const fault of faults) {
      if (!typed.has(fault.path) && !waiting.has(fault.path)) refuse(fault.path, fault.text);
    }
    for (const path of [...taken, ...faults.map((fault) => fault.path)]) sending.delete(path);
    for (const path of taken) window.kept.taken(path);
    for (const fault of faults) window.kept.refused(fault.path);
    if (faults.length) live(`Not saved: ${faults[0].text}`);
  });
  document.body.addEventListener("copy-saved", (event) => {
    const { version, said, theirs = {}, title, token } = event.detail;
    if (token) takeToken(token);
    window.kept.expect(theirs, shownVersion());
    // What I take away myself is not kept for me.
    if (ordered?.order === "remove") for (const path of held()) if (path.startsWith(`${ordered.path}/`)) drop(path);
    document.getElementById("head").dataset.version = version;
    const name = document.getElementById("copy-title");
    if (name && title !== undefined && document.activeElement !== name) name.value = title;
    window.conflicts.expect(theirs, (path) => typed.has(path) || (waiting.has(path) && !sending.has(path)));
    if (said) live(said);
    page.dispatchEvent(new CustomEvent("saved", { detail: event.detail }));
  });
  /** Whoever signed in again in another tab has another token for writes. */
  function takeToken(token) {
    document.body.setAttribute("hx-headers", JSON.stringify({ "X-CSRFToken": token }));
    for (const input of document.querySelectorAll("[name=csrfmiddlewaretoken]")) input.value = token;
  }

  document.body.addEventListener("row-added", (event) => {
    setTimeout(() => {
      const row = document.getElementById(`r-${event.detail.path.replaceAll("/", "-")}`);
      if (row?.contains(document.activeElement)) return; // put back around what is being typed
      row?.querySelector("input:not([disabled]), select, textarea")?.focus({ preventScroll: true });
      row?.scrollIntoView({ block: "nearest", behavior: "smooth" });
    }, 30);
  });

  const held = () => [...typed, ...waiting.keys(), ...sending.keys(), ...refused.keys()];
  const isHeld = (path) => typed.has(path) || waiting.has(path) || sending.has(path) || refused.has(path);
  const callbacks = Idiomorph.defaults.callbacks;
  callbacks.beforeNodeMorphed = (old, fresh) => {
    if (!(old instanceof HTMLElement && fresh instanceof HTMLElement)) return true;
    if (old.classList.contains("why") && old.hasAttribute("data-open")) return false;
    const isGone = "room" in fresh.dataset || (old.matches(".set") && !old.hidden && fresh.hidden);
    if (isGone && window.kept.keep(old)) return false;
    if (old.classList.contains("field") && old.dataset.path && isHeld(old.dataset.path)) {
      window.kept.meet(old.dataset.path);
      window.conflicts.meet(old, fresh);
      return false;
    }
    if (held().length) window.kept.makeRoom(old, fresh);
    if (old.classList.contains("field") && old.dataset.save) {
      // The word beside the label stays while it is shown.
      fresh.dataset.save = old.dataset.save;
      const sign = fresh.querySelector(".field-state");
      if (sign) sign.textContent = old.querySelector(".field-state")?.textContent ?? "";
    }
    return true;
  };
  callbacks.beforeAttributeUpdated = (name, element) =>
    !(name === "data-open" && element.matches(".panel, .why")) && !(name === "aria-expanded" && element.matches("[data-why], [data-toggle]")) && !(name === "aria-current" && element.matches(".sets a"));
  // What a page alone knows (who is at a field) has an id that the server's parts do not have.
  callbacks.beforeNodeRemoved = (node) => !(node instanceof Element && (node.matches(".here") || window.kept.keep(node)));
  callbacks.afterNodeMorphed = (old) => {
    // A morph changes attributes; what was typed before lives in the property.
    if (old instanceof HTMLInputElement && old.type === "text" && old.closest(".field") && old.value !== old.defaultValue) old.value = old.defaultValue;
    if (old instanceof HTMLElement && old.dataset.value) delete old.dataset.value;
  };
  callbacks.afterNodeAdded = (node) => {
    if (node instanceof Element && node.matches(".field, .row, .product")) {
      node.classList.add("appearing");
      node.addEventListener("animationend", () => node.classList.remove("appearing"), { once: true });
    }
  };

  window.addEventListener("beforeunload", (event) => {
    if (held().length || orders.length) event.preventDefault();
  });
  window.addEventListener("online", () => { failures = 0; next(); });

  /** Give up what was typed, waits or was refused at `path`; the field takes what the server sends. */
  function drop(path) {
    typed.delete(path);
    waiting.delete(path);
    refused.delete(path);
    withheld.delete(path);
    window.conflicts.close(path);
    show(path, "");
    showAll();
  }

  /** Keep what waits at `path` from being sent: it is not decided yet. */
  function withhold(path) {
    mend(path);
    waiting.delete(path);
    typed.add(path);
    withheld.add(path);
    show(path, "failed", "Not saved");
    showAll();
  }

  window.saving = { commit, order, forgive, drop, withhold, refresh, shownVersion, valueOf, field, isHeld, isRefused: (path) => refused.has(path), typed, live };
})();
