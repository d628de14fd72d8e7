/* A socket that only receives: it connects again after a growing, random pause, and gives a silent connection up. */

import { reconnectPause } from "./reconnect-pause.js";

/**
 * Follow the frames of the socket at `address`, a path of this server. `receive(frame)` gets each of them, `opened()`
 * and `lost(code)` say when the connection begins and ends. After the close codes in `over` it does not connect again.
 * A connection that sends nothing for `silence` milliseconds is given up; 0 for a socket that is silent by nature. With
 * `onlyInView` there is a connection only while the page is in view.
 */
export function followFrames({ address, receive, opened, lost, over, silence = 0, onlyInView = false }) {
  let socket = null;
  let attempts = 0;
  let retryTimer = 0;
  let silenceTimer = 0;
  let isOver = false;

  function connect() {
    clearTimeout(retryTimer);
    retryTimer = 0;
    if (isOver || socket || (onlyInView && document.hidden)) return;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const mine = (socket = new WebSocket(`${scheme}://${location.host}${address}`));
    mine.addEventListener("open", () => {
      if (mine === socket) opened?.();
    });
    mine.addEventListener("message", ({ data }) => {
      if (mine !== socket) return;
      attempts = 0;
      watchSilence();
      receive(JSON.parse(data));
    });
    mine.addEventListener("close", ({ code }) => {
      if (mine === socket) lose(code);
    });
    watchSilence();
  }

  function watchSilence() {
    clearTimeout(silenceTimer);
    if (silence) silenceTimer = setTimeout(() => socket?.close(), silence);
  }

  function lose(code) {
    leave();
    isOver = over.has(code);
    lost?.(code);
    if (isOver) return;
    attempts += 1;
    retryTimer = setTimeout(connect, reconnectPause(attempts));
  }

  /** End the connection without a word and without trying again. */
  function leave() {
    clearTimeout(retryTimer);
    retryTimer = 0;
    clearTimeout(silenceTimer);
    const left = socket;
    socket = null;
    left?.close();
  }

  function rest() {
    if (!socket && !retryTimer) return;
    leave();
    lost?.(0);
  }

  window.addEventListener("pagehide", rest);
  window.addEventListener("pageshow", ({ persisted }) => persisted && connect());
  window.addEventListener("online", connect);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) connect();
    else if (onlyInView) rest();
  });
  connect();
}
