/* Requests to the server through htmx, as promises. */

import { say } from "./words.js";

const SERVER_IS_SILENT = say("The server is not responding. Try again.");

/** Return the headers of a request for a part of this page: as htmx sends them, they name the account of the page. */
export function partHeaders(more = {}) {
  return { ...JSON.parse(document.body.getAttribute("hx-headers")), "HX-Request": "true", ...more };
}

/** Load `url` into `target`. A failure leaves the page as it is. */
export function load(url, target, swap = "innerHTML") {
  return htmx.ajax("GET", url, { target, source: target, swap }).catch(() => {});
}

/**
 * Load the options at `url` into `list`, unless `isWanted()` says that others are wanted by then; return whether they
 * are there. Requests do not wait for each other, so the words typed last are never behind.
 */
export async function loadOptions(url, list, isWanted) {
  const response = await fetch(url, { headers: partHeaders() }).catch(() => null);
  if (!response?.ok) return false;
  const text = await response.text();
  if (!isWanted()) return false;
  list.replaceChildren(...new DOMParser().parseFromString(text, "text/html").body.childNodes);
  return true;
}

/** Send one request from `source`; resolve with its XMLHttpRequest, whose status is 0 if no server responded. */
export function request(method, url, { source, ...options }) {
  return new Promise((resolve) => {
    const end = ({ detail }) => {
      if (detail.requestConfig?.elt !== source) return;
      document.body.removeEventListener("htmx:afterRequest", end);
      resolve(detail.xhr);
    };
    document.body.addEventListener("htmx:afterRequest", end);
    htmx.ajax(method, url, { source, ...options }).catch(() => {});
  });
}

/** Return the server's own sentence for what went wrong, "" if it gave none: a header in percent encoding. */
export const problemOf = (xhr) => decodeURIComponent(xhr?.getResponseHeader("X-Problem") ?? "");

/** Show in `place` why a request failed. */
export function showProblem(place, xhr) {
  place.textContent = problemOf(xhr) || SERVER_IS_SILENT;
  place.hidden = false;
}
