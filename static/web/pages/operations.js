/* Entry of the pages of operations: they are loaded again while something runs, and keep focus and scroll. */

import { startShortcuts } from "../shortcuts.js";

startShortcuts();
htmx.defineExtension("plain-morph", {
  isInlineSwap: (style) => style === "morph",
  handleSwap: (style, target, fragment) =>
    style === "morph" ? Idiomorph.morph(target, fragment.children, { morphStyle: "outerHTML" }) : undefined,
});
