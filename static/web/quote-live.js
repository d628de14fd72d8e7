/* The socket of a page with quotes: it says that something was saved, and the page loads its grid again. */

import { followFrames } from "./frames.js";

const OVER = new Set([4401, 4404]);
const SILENCE = 45_000; // the server sends something every 20 s

const grid = () => document.getElementById("quotes");

/** Follow the copy whose socket is at `address`, shown in version `shown`; call `changed()` after each save. */
export function startQuoteLive({ address, shown, changed }) {
  let version = shown;
  followFrames({
    address,
    over: OVER,
    silence: SILENCE,
    receive(frame) {
      if (frame.type === "snapshot") grid().dataset.live = "";
      const isNews = frame.type === "copies" || (frame.version ?? 0) > version;
      version = Math.max(version, frame.version ?? 0);
      if (isNews) changed();
    },
    lost(code) {
      delete grid().dataset.live;
      if (OVER.has(code)) location.reload();
    },
  });
}
