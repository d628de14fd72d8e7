/* A socket that only receives: it connects again after a growing, random pause, and gives a silent connection up. */

import { reconnectPause } from "./reconnect-pause.js";

const SIGNED_OUT = 4401;
const CHECK_DUE = 4419; // a request has the company asked about the session; then the socket opens again

class FrameSocket {
  #options;
  #socket = null;
  #attempts = 0;
  #retryTimer = 0;
  #silenceTimer = 0;
  #isOver = false;

  constructor(options) {
    this.#options = options;
  }

  connect() {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = 0;
    const { address, opened, onlyInView } = this.#options;
    if (this.#isOver || this.#socket || (onlyInView && document.hidden)) return;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const mine = (this.#socket = new WebSocket(`${scheme}://${location.host}${address}`));
    mine.addEventListener("open", () => {
      if (mine === this.#socket) opened?.();
    });
    mine.addEventListener("message", ({ data }) => {
      if (mine === this.#socket) this.#receive(JSON.parse(data));
    });
    mine.addEventListener("close", ({ code }) => {
      if (mine === this.#socket) this.#lose(code);
    });
    this.#watchSilence();
  }

  /** End the connection, without another attempt until `connect` is called. */
  rest() {
    if (!this.#socket && !this.#retryTimer) return;
    this.#leave();
    this.#options.lost?.(0);
  }

  #receive(frame) {
    this.#attempts = 0;
    this.#watchSilence();
    this.#options.receive(frame);
  }

  #watchSilence() {
    const { silence = 0 } = this.#options;
    clearTimeout(this.#silenceTimer);
    if (silence) this.#silenceTimer = setTimeout(() => this.#socket?.close(), silence);
  }

  #lose(code) {
    this.#leave();
    this.#isOver = this.#options.over.has(code);
    this.#options.lost?.(code);
    if (this.#isOver) return;
    this.#attempts += 1;
    if (this.#attempts > 2 || code === CHECK_DUE) this.#askForSession();
    this.#retryTimer = setTimeout(() => this.connect(), reconnectPause(this.#attempts));
  }

  /** Make a request, as the server may wait for one; it also says whether the session has ended. */
  async #askForSession() {
    const response = await fetch(location.href, { headers: { "HX-Request": "true" } }).catch(() => null);
    if (response?.status === 401 && !this.#isOver) this.#lose(SIGNED_OUT);
  }

  #leave() {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = 0;
    clearTimeout(this.#silenceTimer);
    const left = this.#socket;
    this.#socket = null;
    left?.close();
  }
}

/**
 * Follow the frames of the socket at `address`, a path of this server. `receive(frame)` gets each of them, `opened()`
 * and `lost(code)` say when the connection begins and ends. After the close codes in `over` it does not connect again.
 * A connection that sends nothing for `silence` milliseconds is given up; 0 for a socket that is silent by nature. With
 * `onlyInView` there is a connection only while the page is in view.
 */
export function followFrames(options) {
  const socket = new FrameSocket(options);
  window.addEventListener("pagehide", () => socket.rest());
  window.addEventListener("pageshow", ({ persisted }) => persisted && socket.connect());
  window.addEventListener("online", () => socket.connect());
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) socket.connect();
    else if (options.onlyInView) socket.rest();
  });
  socket.connect();
}
