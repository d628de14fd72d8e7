/* Requests to the server through htmx, as promises. */

const SERVER_IS_SILENT = "The server is not responding. Try again.";

/** Load `url` into `target`. A failure leaves the page as it is. */
export function load(url, target, swap = "innerHTML") {
  return htmx.ajax("GET", url, { target, source: target, swap }).catch(() => {});
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

/** Return the server's own sentence for what went wrong, "" if it gave none. */
export const problemOf = (xhr) => xhr?.getResponseHeader("X-Problem") ?? "";

/** Show in `place` why a request failed. */
export function showProblem(place, xhr) {
  place.textContent = problemOf(xhr) || SERVER_IS_SILENT;
  place.hidden = false;
}
