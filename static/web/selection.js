/* The selection of forms in the list: the bar below it appears with the first one and says how many there are. */

/** Follow the checkboxes of the list, also after the list was loaded again. */
export function startSelection(root = document) {
  root.addEventListener("change", ({ target }) => {
    if (target.matches?.("[data-select-all]")) selectAll(target.checked, root);
    if (target.matches?.("[data-select], [data-select-all]")) show(root);
  });
  root.addEventListener("htmx:afterSettle", () => show(root));
  root.addEventListener("keydown", (event) => {
    const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (event.key === "x" && isPlain && !event.target.matches?.("input, select, textarea")) toggleFocused(root);
  });
  show(root);
}

/** Return the sentence for so many selected forms. */
export function selectionWords(number) {
  return number === 1 ? "1 form selected" : `${number} forms selected`;
}

/** Select no form; return whether one was selected. */
export function clearSelection(root = document) {
  const hadSome = Boolean(root.querySelector("[data-select]:checked"));
  selectAll(false, root);
  show(root);
  return hadSome;
}

function selectAll(checked, root) {
  for (const box of root.querySelectorAll("[data-select]")) box.checked = checked;
}

function show(root) {
  const bar = root.querySelector("[data-selection]");
  if (!bar) return;
  const number = root.querySelectorAll("[data-select]:checked").length;
  bar.hidden = number === 0;
  const all = root.querySelector("[data-select-all]");
  if (all) all.checked = number > 0 && number === root.querySelectorAll("[data-select]").length;
  bar.querySelector("[data-selected]").textContent = selectionWords(number);
}

/** The key x selects the row whose link has the focus. */
function toggleFocused(root) {
  const box = root.activeElement?.closest("tr")?.querySelector("[data-select]");
  if (!box) return;
  box.checked = !box.checked;
  show(root);
}
