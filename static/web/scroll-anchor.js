/* What the person looks at stays where it is on the screen while parts of the page change around it: the field that
   has the focus, else what is at the top. Browsers do this themselves in some cases and not in others. */

const BELOW_HEAD = 24;

const main = document.getElementById("main");
const head = document.getElementById("head");
let anchor = null;
let topBefore = 0;

function isInView(element) {
  const { top, bottom } = element.getBoundingClientRect();
  return bottom > 0 && top < window.innerHeight;
}

function findAnchor() {
  const focused = document.activeElement;
  if (main.contains(focused) && focused !== main && isInView(focused)) return focused;
  const { left, width } = main.getBoundingClientRect();
  const line = Math.max(0, head.getBoundingClientRect().bottom) + BELOW_HEAD;
  return document.elementFromPoint(left + width / 4, line)?.closest("#main .field, #main .row, #main .set");
}

/** Hold what is in view in its place, until `scrollBack` is called. */
export function setAnchor() {
  anchor = window.scrollY > 0 ? findAnchor() : null;
  topBefore = anchor?.getBoundingClientRect().top;
}

/** Scroll so that what was held is where it was. */
export function scrollBack() {
  if (anchor?.isConnected && !anchor.closest("[hidden]")) {
    window.scrollBy({ top: anchor.getBoundingClientRect().top - topBefore, behavior: "instant" });
  }
  anchor = null;
}

export function startScrollAnchor() {
  // The event comes before the parts are put into the page; when the request is over they are there.
  document.body.addEventListener("copy-saved", setAnchor);
  document.body.addEventListener("htmx:afterRequest", scrollBack);
}
