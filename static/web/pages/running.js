/* Entry of the ring in the top bar of every page: the progress of the person's own running operations. */

import { followFrames } from "../frames.js";
import { RunningShare } from "../running-share.js";

const OVER = new Set([4401, 4404]);

const ring = document.getElementById("running");
const share = new RunningShare();

function show() {
  ring.hidden = share.number === 0;
  ring.setAttribute("aria-label", share.words);
  ring.title = share.words;
  ring.querySelector("[data-share]").setAttribute("stroke-dasharray", `${share.percent} 100`);
}

// What ended without a connection is never reported: each one starts anew.
function forget() {
  share.clear();
  show();
}

followFrames({
  address: ring.dataset.socket,
  over: OVER,
  onlyInView: true,
  receive(frame) {
    share.note(frame);
    show();
  },
  lost: forget,
});
