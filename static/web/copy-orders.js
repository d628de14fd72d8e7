/* Orders on the form's copies from a view that does not save answers in line: the page is loaded again. */

import { announce } from "./announcer.js";
import { startCopyTabs } from "./copy-tabs.js";
import { problemOf, request } from "./requests.js";

/** Send the orders of the tabs and the lock from `root`. */
export function startCopyOrders(root) {
  /** Send `order`; a page that shows something else afterwards is loaded again. */
  async function sendOrder({ to, needsTabs: _needsTabs, ...values }) {
    const headers = { "X-View": root.dataset.view };
    const xhr = await request("POST", to, { source: root, swap: "none", values, headers });
    const hasFailed = xhr.status < 200 || xhr.status >= 300;
    if (hasFailed) announce(problemOf(xhr) || "This could not be done. Try again.");
    else if (!xhr.getResponseHeader("HX-Trigger-After-Settle")?.includes("copy-made")) location.reload();
  }

  startCopyTabs({ sendOrder, goTo: (url) => location.assign(url) });
}
