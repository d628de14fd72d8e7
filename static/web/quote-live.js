/* The socket of a page with quotes: it says that something was saved, and the page loads its grid again. */

import { reconnectPause } from "./reconnect-pause.js";

const OVER = new Set([4401, 4404]);
const SILENCE = 45_000; // the server sends something every 20 s

let socket = null;
let attempts = 0;
let version = 0;
let silenceTimer = 0;

/** Follow the copy whose socket is at `address`, shown in version `shown`; call `changed()` after each save. */
export function startQuoteLive({ address, shown, changed }) {
  version = shown;
  connect(address, changed);
  window.addEventListener("pagehide", () => close());
  window.addEventListener("pageshow", ({ persisted }) => {
    if (persisted) connect(address, changed);
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && !socket) connect(address, changed);
  });
}

function connect(address, changed) {
  if (socket) return;
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const opened = (socket = new WebSocket(`${scheme}://${location.host}${address}`));
  opened.addEventListener("message", ({ data }) => receive(JSON.parse(data), changed));
  opened.addEventListener("close", ({ code }) => {
    if (opened === socket) lose(code, address, changed);
  });
  watchSilence(opened);
}

function receive(frame, changed) {
  if (frame.type === "snapshot") {
    attempts = 0;
    document.getElementById("quotes").dataset.live = "";
  }
  watchSilence(socket);
  const isNews = frame.type === "copies" || (frame.version ?? 0) > version;
  version = Math.max(version, frame.version ?? 0);
  if (isNews) changed();
}

function lose(code, address, changed) {
  socket = null;
  clearTimeout(silenceTimer);
  delete document.getElementById("quotes").dataset.live;
  if (OVER.has(code)) return location.reload();
  attempts += 1;
  setTimeout(connect, reconnectPause(attempts), address, changed);
}

/** Give a connection up that sends nothing for long. */
function watchSilence(opened) {
  clearTimeout(silenceTimer);
  silenceTimer = setTimeout(() => opened?.close(), SILENCE);
}

function close() {
  clearTimeout(silenceTimer);
  const left = socket;
  socket = null;
  left?.close();
}
