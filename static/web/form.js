/* The form page at the hands: committing and undoing fields, rows, industry search, explanations, going to a field, narrow-screen drawers. */
(() => {
  "use strict";

  const page = document.getElementById("form");
  const { commit, order, forgive, valueOf, field, typed, isRefused } = window.saving;
  const idOf = (path) => path.replaceAll("/", "-");
  const fieldOf = (element) => element.closest(".field[data-path]");
  const later = new Map(); // path -> timer of a date that is still being typed

  const commitField = (element) => {
    clearTimeout(later.get(element.dataset.path));
    later.delete(element.dataset.path);
    commit(element.dataset.path, valueOf(element));
  };
  const isChanged = (control) => control.type === "date" || control.matches("input, textarea") ? control.value !== control.defaultValue : true;

  page.addEventListener("input", (event) => {
    const element = fieldOf(event.target);
    if (!element || event.target.matches("select, [type=radio], [type=checkbox]")) return;
    typed.add(element.dataset.path);
    delete event.target.dataset.value;
  });
  page.addEventListener("change", (event) => {
    const element = fieldOf(event.target), control = event.target;
    if (!element) return;
    const path = element.dataset.path;
    if (element.hasAttribute("data-masked") && control.value === "") { typed.delete(path); return forgive(path); }
    if (control.type === "date" && document.activeElement === control) {
      // A date typed part by part is a (wrong) date at every key: wait until the hands rest.
      clearTimeout(later.get(path));
      later.set(path, setTimeout(() => commitField(element), 900));
    } else if (element.dataset.widget !== "search" || !element.querySelector("[aria-expanded=true]")) {
      commitField(element);
    }
  });
  page.addEventListener("focusout", (event) => {
    const element = fieldOf(event.target);
    if (!element) return;
    if (later.has(element.dataset.path)) return commitField(element);
    if (element.dataset.widget === "search") return void setTimeout(() => leaveSearch(element, event.target), 150);
    if (typed.has(element.dataset.path) && !isChanged(event.target)) { typed.delete(element.dataset.path); forgive(element.dataset.path); }
  });

  page.addEventListener("keydown", (event) => {
    const element = fieldOf(event.target), control = event.target;
    if (!element || control.matches("select, [type=radio], [type=checkbox], button")) return;
    if (element.dataset.widget === "search" && searchKey(event, element, control)) return;
    if (event.key === "Enter" && (!control.matches("textarea") || event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      if (element.hasAttribute("data-masked") ? control.value !== "" : isChanged(control)) commitField(element);
    } else if (event.key === "Escape" && (typed.has(element.dataset.path) || isRefused(element.dataset.path))) {
      event.preventDefault();
      clearTimeout(later.get(element.dataset.path));
      later.delete(element.dataset.path);
      control.value = control.defaultValue;
      typed.delete(element.dataset.path);
      forgive(element.dataset.path);
    }
  });

  /* Industry search: a combobox whose options come from the server. */
  const searches = new WeakMap();
  page.addEventListener("input", (event) => {
    const element = fieldOf(event.target);
    if (element?.dataset.widget !== "search") return;
    clearTimeout(searches.get(element));
    searches.set(element, setTimeout(() => findOptions(element, event.target), 150));
  });
  const optionsOf = (element) => element.querySelector(".options");
  async function findOptions(element, control) {
    const query = control.value.trim();
    if (query.length < 2) return closeSearch(element, control);
    const url = `${page.dataset.industries}?q=${encodeURIComponent(query)}&for=${encodeURIComponent(idOf(element.dataset.path))}`;
    await htmx.ajax("GET", url, { target: optionsOf(element), source: optionsOf(element), swap: "innerHTML" }).catch(() => {});
    if (document.activeElement === control) control.setAttribute("aria-expanded", "true"); else closeSearch(element, control);
  }
  function closeSearch(element, control) {
    optionsOf(element).replaceChildren();
    control.setAttribute("aria-expanded", "false");
    control.removeAttribute("aria-activedescendant");
  }
  function choose(element, control, option) {
    element.dataset.searched = control.value.trim();
    control.value = `${option.dataset.value} ${option.lastElementChild.textContent}`;
    control.dataset.value = option.dataset.value;
    closeSearch(element, control);
    commitField(element);
  }
  function leaveSearch(element, control) {
    if (element.contains(document.activeElement)) return;
    closeSearch(element, control);
    if (typed.has(element.dataset.path)) {
      if (isChanged(control)) commitField(element); else typed.delete(element.dataset.path);
    }
  }
  function searchKey(event, element, control) {
    const options = [...optionsOf(element).querySelectorAll("[role=option]")];
    const at = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
    if (!options.length) return false;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const to = (at + (event.key === "ArrowDown" ? 1 : -1 + (at < 0 ? 1 : 0)) + options.length) % options.length;
      options.forEach((option, place) => option.setAttribute("aria-selected", String(place === to)));
      options[to].scrollIntoView({ block: "nearest" });
      control.setAttribute("aria-activedescendant", options[to].id);
      return true;
    }
    if (event.key === "Enter" && at >= 0) {
      event.preventDefault();
      choose(element, control, options[at]);
      return true;
    }
    if (event.key === "Escape" && control.getAttribute("aria-expanded") === "true") {
      event.preventDefault();
      closeSearch(element, control);
      return true;
    }
    return false;
  }
  page.addEventListener("mousedown", (event) => {
    const option = event.target.closest("[role=option]");
    if (!option) return;
    event.preventDefault();
    const element = fieldOf(option);
    choose(element, element.querySelector("input"), option);
  });

  /* Buttons */
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button, a");
    if (!button) return;
    const told = button.dataset;
    if (told.add) order({ order: "add", path: told.add });
    else if (told.duplicate) order({ order: "duplicate", path: told.duplicate });
    else if (told.remove) order({ order: "remove", path: told.remove });
    else if (told.putBack) { order({ order: "put-back", path: told.putBack, version: told.version }); clearToast(); }
    else if ("closeToast" in told) clearToast();
    else if (told.clear) commit(told.clear, null);
    else if (told.why) toggleWhy(button);
    else if (told.fold) fold(button);
    else if (told.toggle) toggle(button);
    else if (told.go) { event.preventDefault(); go(told.go); }
    else if (told.set) { event.preventDefault(); goToSet(told.set); }
  });
  const clearToast = () => document.getElementById("toast").replaceChildren();

  function toggle(button, open = button.getAttribute("aria-expanded") !== "true") {
    const element = document.getElementById(button.dataset.toggle);
    element.toggleAttribute("data-open", open);
    button.setAttribute("aria-expanded", String(open));
  }
  const closeDrawers = () => document.querySelectorAll("[data-toggle][aria-expanded=true]").forEach((button) => toggle(button, false));

  const loadWhy = (button) => {
    const place = document.getElementById(`why-${button.dataset.why}`);
    return htmx.ajax("GET", button.dataset.url, { target: place, source: place, swap: "innerHTML" }).catch(() => {});
  };
  function toggleWhy(button) {
    const place = document.getElementById(`why-${button.dataset.why}`), open = !place.hasAttribute("data-open");
    place.toggleAttribute("data-open", open);
    button.setAttribute("aria-expanded", String(open));
    if (open) loadWhy(button); else place.replaceChildren();
  }
  // An explanation that stands open is told anew: it is of this version, not of an older one.
  page.addEventListener("saved", () => document.querySelectorAll("[data-why][aria-expanded=true]").forEach(loadWhy));

  async function openRow(path) {
    const row = document.getElementById(`r-${idOf(path)}`);
    if (!row || row.hasAttribute("data-open")) return row;
    const url = `${page.dataset.row}?path=${encodeURIComponent(path)}`;
    await htmx.ajax("GET", url, { target: row, source: row, swap: "outerHTML" }).catch(() => {});
    return document.getElementById(`r-${idOf(path)}`);
  }
  async function fold(button) {
    const row = document.getElementById(`r-${idOf(button.dataset.fold)}`), id = button.id;
    if (row.hasAttribute("data-open")) {
      row.removeAttribute("data-open");
      [...row.children].slice(1).forEach((part) => part.remove());
      button.setAttribute("aria-expanded", "false");
    } else {
      await openRow(button.dataset.fold);
      document.getElementById(id)?.focus({ preventScroll: true });
    }
  }

  /** Go to the question or pool at `path`, opening the rows around it. */
  async function go(path) {
    closeDrawers();
    const parts = path.split("/");
    for (let length = 2; length < parts.length; length += 2) await openRow(parts.slice(0, length).join("/"));
    const element = field(path) ?? document.getElementById(`r-${idOf(path)}`);
    if (!element) return;
    element.scrollIntoView({ block: "center", behavior: calm() });
    (element.querySelector("input:checked, input:not([disabled]), select:not([disabled]), textarea:not([disabled]), button:not([disabled])") ?? element).focus({ preventScroll: true });
  }
  const calm = () => (matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth");
  function goToSet(code) {
    closeDrawers();
    const section = document.getElementById(`s-${code}`);
    section.scrollIntoView({ block: "start", behavior: calm() });
    section.querySelector("input:not([disabled]), select:not([disabled]), textarea:not([disabled]), button:not([disabled])")?.focus({ preventScroll: true });
  }

  /* Where one is: the set in view is marked at the left. */
  let marked = null;
  const mark = () => {
    const line = headHeight() + 120;
    const sections = [...document.querySelectorAll(".set:not([hidden])")];
    const here = sections.filter((section) => section.getBoundingClientRect().top < line).pop() ?? sections[0];
    if (!here || here.id === marked) return;
    marked = here.id;
    document.querySelectorAll(".sets a").forEach((link) => {
      if (`s-${link.dataset.set}` === marked) link.setAttribute("aria-current", "location"); else link.removeAttribute("aria-current");
    });
  };
  const head = document.getElementById("head");
  const headHeight = () => (getComputedStyle(head).position === "sticky" ? head.offsetHeight : 56);
  new ResizeObserver(() => page.style.setProperty("--head-height", `${headHeight()}px`)).observe(head);
  document.addEventListener("scroll", () => requestAnimationFrame(mark), { passive: true });
  page.addEventListener("saved", () => { marked = null; requestAnimationFrame(mark); });
  mark();

  const keys = window.partnerEngine;
  keys.goTo("n", () => { const link = document.getElementById("next-needed"); if (link) go(link.dataset.go); });
  keys.goTo("p", () => { const button = document.querySelector(".drawer-button"); if (button.offsetParent) toggle(button, true); document.getElementById("products").focus(); });
  keys.goTo("s", () => { const button = document.querySelector(".menu-button"); if (button.offsetParent) toggle(button, true); document.querySelector(".sets a")?.focus(); });
  keys.goTo("h", () => document.getElementById("history")?.click());
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && !event.defaultPrevented) closeDrawers(); });
})();
