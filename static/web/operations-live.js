/* The pages of operations follow their socket: each frame says that there is something new to load. While the socket
   is away, the pages look by themselves. */

import { fetchPart, oneAfterAnother } from "./fresh-parts.js";
import { followFrames } from "./frames.js";

const OVER = new Set([4401, 4404]);
const LOOK_AGAIN = 2_000; // without a socket, and for what the socket does not report
const LOOK_ANYWAY = 15_000; // with one, should a frame be lost
const PAUSE = 400; // between two loads

let shownAt = Date.now();

const part = () => document.querySelector("[data-operations]");

/* The server's words are shown, not the frames' numbers: one load after another never shows an older state. */
const refresh = oneAfterAnother(async () => {
  const text = await fetchPart(part().dataset.operations);
  shownAt = Date.now();
  const fresh = new DOMParser().parseFromString(text ?? "", "text/html").querySelector("[data-operations]");
  if (fresh === null) return;
  const isLive = "live" in part().dataset;
  if (isLive) fresh.dataset.live = "";
  Idiomorph.morph(part(), fresh, { morphStyle: "outerHTML" });
}, PAUSE);

/** Look for news if something runs that nothing else reports. */
function look() {
  const { unfinished, others, live } = part().dataset;
  const isReported = live !== undefined && others === undefined;
  const pause = isReported ? LOOK_ANYWAY : LOOK_AGAIN;
  if (unfinished !== undefined && !document.hidden && Date.now() - shownAt >= pause) refresh();
}

export function startOperationsLive() {
  followFrames({
    address: part().dataset.socket,
    over: OVER,
    opened() {
      part().dataset.live = "";
    },
    receive: () => document.hidden || refresh(),
    lost(code) {
      delete part().dataset.live;
      if (OVER.has(code)) location.reload();
    },
  });
  setInterval(look, LOOK_AGAIN / 4);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) refresh();
  });
}
