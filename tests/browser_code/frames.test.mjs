/* A socket that only receives: what it does when the server closes it until the session is checked. */

import assert from "node:assert/strict";
import test from "node:test";

import { followFrames } from "../../static/web/frames.js";

const sockets = [];
const requests = [];
let status = 200;

class Socket extends EventTarget {
  constructor() {
    super();
    sockets.push(this);
  }

  close() {}
}

const page = Object.assign(new EventTarget(), { hidden: false });
const own = { WebSocket: Socket, document: page, window: new EventTarget() };
Object.assign(globalThis, own, { location: { protocol: "https:", host: "engine.example", href: "/quotes" } });
globalThis.fetch = async (url) => {
  requests.push(url);
  return { status };
};

/** Follow a socket, and let the server close it with `code`. */
async function closedWith(code) {
  requests.length = 0;
  const lost = [];
  followFrames({ address: "/ws", over: new Set([4401]), receive() {}, lost: (reason) => lost.push(reason) });
  sockets.at(-1).dispatchEvent(Object.assign(new Event("close"), { code }));
  await new Promise(setImmediate);
  return lost;
}

test("a due check is made by a request, and then the socket opens again", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  status = 200;
  assert.deepEqual(await closedWith(4419), [4419]);
  assert.deepEqual(requests, ["/quotes"]);
  const before = sockets.length;
  t.mock.timers.tick(1_000);
  assert.equal(sockets.length, before + 1);
});

test("a session that ended at the check is over", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  status = 401;
  assert.deepEqual(await closedWith(4419), [4419, 4401]);
  const before = sockets.length;
  t.mock.timers.tick(60_000);
  assert.equal(sockets.length, before);
});

test("another loss makes no request at first", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  status = 200;
  assert.deepEqual(await closedWith(1006), [1006]);
  assert.deepEqual(requests, []);
});
