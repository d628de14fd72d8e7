/* What one looks at stays where it is on the screen while parts of the page are changed around it: the field that has the
   focus, else what stands at the top. Browsers do this themselves in some cases and not in others. */
(() => {
  "use strict";

  const main = document.getElementById("main"), head = document.getElementById("head");
  let anchor = null, top = 0;

  function isSeen(element) {
    const { top, bottom } = element.getBoundingClientRect();
    return bottom > 0 && top < window.innerHeight;
  }

  function findAnchor() {
    const focused = document.activeElement;
    if (main.contains(focused) && focused !== main && isSeen(focused)) return focused;
    const { left, width } = main.getBoundingClientRect();
    const line = Math.max(0, head.getBoundingClientRect().bottom) + 24;
    return document.elementFromPoint(left + width / 4, line)?.closest("#main .field, #main .row, #main .set");
  }

  // Told before the parts are put into the page; when the request is over they are there.
  document.body.addEventListener("copy-saved", () => {
    anchor = window.scrollY > 0 ? findAnchor() : null;
    top = anchor?.getBoundingClientRect().top;
  });
  document.body.addEventListener("htmx:afterRequest", () => {
    if (anchor?.isConnected && !anchor.closest("[hidden]")) window.scrollBy({ top: anchor.getBoundingClientRect().top - top, behavior: "instant" });
    anchor = null;
  });
})();
