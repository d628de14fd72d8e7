/* What I was typing where others took the question away: they removed its row, or their answer made it one that is not
   asked. The field stays where it is, with its text and the focus, until its person has chosen what becomes of it. */
(() => {
  "use strict";

  const { commit, order, drop, withhold, valueOf, field, isHeld, live } = window.saving;
  const { textOf, labelOf, button, close } = window.conflicts;
  const kept = new Map(); // path -> { place: what stays on the page, version: the last that had it, isChosen }
  let theirs = {}, version = 0; // of the parts that come: whose changes they show, and what the page showed before

  const boxOf = (path) => document.getElementById(`kept-${path.replaceAll("/", "-")}`);
  const isRow = (place) => place.matches(".row");
  const others = (place, path) => [...kept].some(([known, it]) => known !== path && it.place === place);

  function expect(changed, shown) {
    theirs = changed;
    version = shown;
  }

  /** Who changed what is at `path` or around it; nobody where it was this page. */
  function whoAt(path) {
    for (let at = path; at; at = at.split("/").slice(0, -1).join("/")) if (theirs[at]) return theirs[at];
    const names = new Set(Object.values(theirs));
    return names.size === 1 ? [...names][0] : names.size ? "Somebody else" : "";
  }

  /** Tell whether `place`, which the server's parts do not have, stays on the page: something in it is not saved yet. */
  function keep(place) {
    const fields = place.matches(".field") ? [place] : [...place.querySelectorAll(".field[data-path]")];
    const held = fields.filter((element) => isHeld(element.dataset.path));
    for (const element of held) hold(element, place);
    return held.length > 0;
  }

  const holds = (element) => [element, ...element.querySelectorAll(".field[data-path]")].some(({ dataset }) => dataset.path && isHeld(dataset.path));

  /** Give what stays its place in `fresh`, which is to take the place of `old`: else it would come behind all the others. */
  function makeRoom(old, fresh) {
    const inFresh = (element) => [...fresh.children].find(({ id }) => id === element.id);
    for (const child of old.children) {
      if (!child.id || inFresh(child) || !holds(child)) continue;
      const room = child.cloneNode(false);
      room.dataset.room = "";
      let before = child.previousElementSibling;
      while (before && !(before.id && inFresh(before))) before = before.previousElementSibling;
      if (before) inFresh(before).after(room); else fresh.prepend(room);
    }
  }

  function hold(element, place) {
    const { path } = element.dataset;
    if (kept.get(path)?.place === place) return;
    boxOf(path)?.remove();
    close(path); // there is nothing to choose between any more
    kept.set(path, { place, version, isChosen: false });
    withhold(path);
    place.dataset.gone = "";
    for (const other of place.querySelectorAll(".row-head button, .pool-foot, .field[data-path]")) other.inert = !isKept(other);
    const who = whoAt(path), what = isRow(place) ? `${who || "Somebody"} removed this row.`
      : who ? `${who} changed another answer. This question is no longer asked.` : "This question is no longer asked because another answer changed.";
    draw(element, place, what);
    live(`${what} What you typed for ${labelOf(element)} is still here. Choose below the field.`);
  }
  const isKept = (element) => kept.has(element.dataset.path);

  function draw(element, place, what) {
    const { path } = element.dataset, label = labelOf(element);
    const box = document.createElement("div"), said = document.createElement("p"), choose = document.createElement("div");
    box.id = `kept-${path.replaceAll("/", "-")}`; box.className = "conflict";
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", `Choose what to do with your text for ${label}`);
    said.textContent = `${what} Yours is not saved yet.`;
    choose.className = "choose";
    choose.append(
      isRow(place) ? button("Put the row back", label, () => putBack(path)) : button("Save it for later", label, () => saveHidden(path)),
      button("Copy it", label, (event) => copy(path, event.currentTarget)),
      button("Discard it", label, () => discard(path)),
    );
    box.append(said, choose);
    element.append(box);
  }

  const focus = (path) => field(path).querySelector("input, select, textarea")?.focus({ preventScroll: true });

  /** The row comes back as it was, then what is kept in it is saved. */
  function putBack(path) {
    const { place, version } = kept.get(path);
    for (const known of kept.values()) if (known.place === place) known.isChosen = true;
    focus(path);
    order({ order: "put-back", path: place.dataset.row, version });
  }

  /** The document keeps answers that are not asked for: this one stands there again when its question does. */
  function saveHidden(path) {
    kept.get(path).isChosen = true;
    commit(path, valueOf(field(path)));
  }

  async function copy(path, pressed) {
    try {
      await navigator.clipboard.writeText(textOf(field(path)));
      pressed.firstChild.textContent = "Copied";
      live("Copied.");
    } catch {
      focus(path);
      field(path).querySelector("input, textarea")?.select();
      live("Press Ctrl C to copy it.");
    }
  }

  function discard(path) {
    if (!kept.has(path)) return;
    drop(path);
    leave(path);
  }

  /** Take away what was kept on the page for `path` alone; whoever had the focus there goes on behind it. */
  function leave(path) {
    const { place } = kept.get(path), hadFocus = place.contains(document.activeElement);
    kept.delete(path);
    boxOf(path)?.remove();
    if (others(place, path)) return void (field(path).inert = true);
    const after = (element) => place.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING && !place.contains(element);
    const next = [...document.querySelectorAll("#main :is(input, select, textarea, button):enabled")].find((element) => after(element) && element.offsetParent);
    if (place.matches(".set")) { place.hidden = true; place.replaceChildren(); delete place.dataset.gone; } else place.remove();
    if (hadFocus) (next ?? document.getElementById("main")).focus({ preventScroll: true });
  }

  /** The question is on the page again. */
  function meet(path) {
    const known = kept.get(path);
    if (!known) return;
    kept.delete(path);
    boxOf(path)?.remove();
    delete known.place.dataset.gone;
    field(path).inert = false;
    if (known.isChosen) setTimeout(() => commit(path, valueOf(field(path))));
  }

  /** What was saved for later needs no place any more; what was refused has to be chosen again. */
  const taken = (path) => { if (kept.has(path) && !isHeld(path)) leave(path); };
  const refused = (path) => { if (kept.has(path)) kept.get(path).isChosen = false; };

  const waits = (path) => kept.has(path) && !kept.get(path).isChosen;
  const remind = () => live("This question is no longer asked. Choose below the field what to do with your text.");

  window.kept = { expect, keep, makeRoom, meet, discard, taken, refused, waits, remind };
})();
