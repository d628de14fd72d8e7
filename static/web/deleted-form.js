/* What the page says when somebody deleted its form meanwhile: whichever response brings the news, one banner shows it
   with the way to the deleted form, which can be restored there. */

import { announce } from "./announcer.js";
import { showBanner } from "./banner.js";
import { page } from "./form-page.js";

const DELETED = "X-Form-Deleted";

/** Return whether the page has said that its form or copy was deleted. */
export const isGone = () => "gone" in page.dataset;

/** Note that the page says so, until it shows another copy. */
export function noteGone() {
  page.dataset.gone = "";
}

/** Say that the form was deleted if the response with `headers` says so; return whether it does. */
export function sayIfDeleted(headers) {
  if (!headers(DELETED)) return false;
  if (isGone()) return true;
  noteGone();
  showBanner("deleted-form");
  document.querySelector("[data-deleted-form]").href = headers(DELETED);
  announce("This form was deleted.");
  return true;
}

export function startDeletedForm() {
  document.body.addEventListener("htmx:afterRequest", ({ detail: { xhr } }) => {
    sayIfDeleted((name) => xhr?.getResponseHeader(name));
  });
}
