/* What a morph must leave alone. The server's parts replace the page's, but a field that is being typed in, waits to
   be saved or was refused is never replaced or taken away, and what only the page knows stays. All callbacks of
   Idiomorph are here; swaps use them through the htmx extension "guarded-morph". */

const MARKS = ".here, .put-away, .question-why-button";
const IN_HAND = "#rename, #new-copy-form"; // forms in the row of tabs, while they are open
const MENU = "#copy-menu:popover-open";

const guards = {}; // the callbacks, complete once installGuards was called

const isElement = (node) => node instanceof HTMLElement;
const isField = (element) => element.classList.contains("field");

/** Return whether the server's `fresh` part says that `old` is no longer on the form. */
function isGone(old, fresh) {
  return "room" in fresh.dataset || (old.matches(".set") && !old.hidden && fresh.hidden);
}

/** Keep the word beside a label while it is shown. */
function carrySaveState(old, fresh) {
  if (!isField(old) || !old.dataset.save) return;
  fresh.dataset.save = old.dataset.save;
  const sign = fresh.querySelector(".field-state");
  if (sign) sign.textContent = old.querySelector(".field-state")?.textContent ?? "";
}

/** Keep the field `old` if its answer is not saved; return whether it is kept. */
function keepField(old, fresh, { queue, conflicts, keptTexts }) {
  const { path } = old.dataset;
  if (!path || !queue.isHeld(path)) return false;
  keptTexts.meet(path);
  conflicts.meet(old, fresh);
  return true;
}

/** Return whether the person has opened `old`: an explanation, a name in the row of tabs, or the menu of the copy. */
function isInHand(old) {
  if (old.matches(MENU)) old.dataset.outdated = ""; // it is loaded again when it closes
  return old.matches(`.why[data-open], ${MENU}`) || (old.matches(IN_HAND) && !old.hidden);
}

/** Return whether `old` is the loaded line of the same copy, which the server's part does not have. */
const isLoadedLine = (old, fresh) => old.matches(".way-back") && old.dataset.copy === fresh.dataset.copy;

/** Return whether `old` becomes `fresh`. */
function beforeNodeMorphed(old, fresh, keepers) {
  const { queue, keptTexts } = keepers;
  if (!isElement(old) || !isElement(fresh)) return true;
  if (isInHand(old) || isLoadedLine(old, fresh)) return false;
  if (isGone(old, fresh) && keptTexts.keep(old)) return false;
  if (isField(old) && keepField(old, fresh, keepers)) return false;
  if (queue.held().length) keptTexts.makeRoom(old, fresh);
  carrySaveState(old, fresh);
  return true;
}

/** Keep what the person opened, and where they are. */
function beforeAttributeUpdated(name, element) {
  if (name === "data-named") return false;
  if (name === "hidden" && element.id === "tabs") return !element.querySelector("form:not([hidden])");
  if (name === "data-open") return !element.matches(".panel, .why");
  if (name === "aria-expanded") return !element.matches("[data-why], [data-toggle]");
  if (name === "tabindex") return !element.matches(".row-head button");
  if (name === "checked") return !element.matches("[data-product-pick]");
  if (name === "aria-current") return !element.matches(".sets a");
  return true;
}

/** Show the new answer: a morph changes attributes, and what was typed before is in the property. */
function afterNodeMorphed(old) {
  if (!isElement(old)) return;
  if (old instanceof HTMLInputElement && old.type === "text" && old.closest(".field")) old.value = old.defaultValue;
  delete old.dataset.value;
}

function afterNodeAdded(node) {
  if (!(node instanceof Element && node.matches(".field, .row, .product"))) return;
  node.classList.add("appearing");
  node.addEventListener("animationend", () => node.classList.remove("appearing"), { once: true });
}

/** Morph `old` into `fresh` under the guards. */
export function morph(old, fresh) {
  return Idiomorph.morph(old, fresh, { morphStyle: "outerHTML", callbacks: guards });
}

/** Guard all morphs of this page, for modules that know which texts are not saved. */
export function installGuards({ queue, conflicts, keptTexts }) {
  const keepers = { queue, conflicts, keptTexts };
  Object.assign(guards, {
    beforeNodeMorphed: (old, fresh) => beforeNodeMorphed(old, fresh, keepers),
    beforeAttributeUpdated,
    // Marks at a field have ids that the server's parts do not have.
    beforeNodeRemoved: (node) => !(node instanceof Element && (node.matches(MARKS) || keptTexts.keep(node))),
    afterNodeMorphed,
    afterNodeAdded,
  });
  htmx.defineExtension("guarded-morph", {
    isInlineSwap: (style) => style === "morph",
    handleSwap: (style, target, fragment) => (style === "morph" ? morph(target, fragment.children) : undefined),
  });
}
