/* The button by which a guest says that they are done. */

import { announce } from "./announcer.js";
import { onClick } from "./clicks.js";
import { openDrawer } from "./drawers.js";
import { queue } from "./form-queue.js";
import { request, showProblem } from "./requests.js";
import { say } from "./words.js";

const LOOK_AGAIN = 50;
const LONGEST_PATH_MARK = 40;

/** Resolve when nothing is being saved. */
function settled() {
  const saved = document.getElementById("saved");
  return new Promise((resolve) => {
    const look = () => (saved.dataset.state === "saving" ? setTimeout(look, LOOK_AGAIN) : resolve());
    // A field that was just left is saved first.
    setTimeout(look, 0);
  });
}

async function complete(button) {
  if (button.disabled) return;
  button.disabled = true;
  await settled();
  const xhr = await request("POST", button.dataset.url, { source: button, target: "#panel", swap: "morph" });
  button.disabled = false;
  if (xhr.status === 204) {
    announce(say("Thank you. Your agent has been notified."));
    queue.refresh();
  } else {
    showProblem(document.getElementById("done-problem"), xhr);
  }
  // On narrow screens it says what is left, or what went wrong.
  openDrawer(".drawer-button");
}

export function startGuestCompletion() {
  // A guest who opens a used link again in the same browser comes here with the link's secret still in the address.
  if (location.hash.length > LONGEST_PATH_MARK) history.replaceState(null, "", location.pathname);
  onClick("#done, [data-step=done]", complete);
}
