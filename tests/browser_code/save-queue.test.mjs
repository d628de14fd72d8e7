/* The save queue against a server and a clock of the test: every answer arrives at last, in order, and none is lost. */

import assert from "node:assert/strict";
import test from "node:test";

import { reasonFor } from "../../static/web/refusals.js";
import { SaveQueue } from "../../static/web/save-queue.js";

const OK = { status: 200, problem: "" };
const LOST = { status: 0, problem: "" };
const REFUSED = { status: 409, problem: "Too late." };

/** Let everything happen that waits for promises only. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

class Clock {
  #timers = new Map();
  #next = 1;
  pauses = [];

  setTimeout(act, pause) {
    this.pauses.push(pause);
    this.#timers.set(this.#next, act);
    return this.#next++;
  }

  clearTimeout(timer) {
    this.#timers.delete(timer);
  }

  get isIdle() {
    return this.#timers.size === 0;
  }

  async ring() {
    const due = [...this.#timers.values()];
    this.#timers.clear();
    for (const act of due) act();
    await settle();
  }
}

/** A queue whose requests stay open until the test responds to them. */
class Desk {
  version = 1;
  requests = []; // open and answered ones, in the order in which they were sent
  fields = new Map();
  summaries = [];
  failures = [];
  refusals = [];
  clock = new Clock();

  constructor() {
    const open = (kind, content) =>
      new Promise((resolve) => this.requests.push({ kind, content, isOpen: true, resolve }));
    this.queue = new SaveQueue({
      sender: {
        saveAnswers: (answers) => open("answers", new Map(answers)),
        sendOrder: (order) => open("order", order),
        loadParts: () => open("parts", null),
      },
      view: {
        showField: (path, state) => this.fields.set(path, state),
        clearRefusal: () => {},
        showUnsaved: (unsaved) => {
          this.unsaved = unsaved;
        },
        showSummary: (summary) => this.summaries.push(summary),
        showFailure: (response, retry) => this.failures.push({ response, retry }),
        showRefused: (path, response) => this.refusals.push({ path, reason: reasonFor(response) }) > 0,
      },
      shownVersion: () => this.version,
      timers: this.clock,
    });
  }

  get open() {
    return this.requests.filter((request) => request.isOpen);
  }

  get sent() {
    return this.requests.map(({ kind, content }) =>
      kind === "answers" ? Object.fromEntries(content) : (content ?? kind),
    );
  }

  /** Respond to the open request; an accepted one has its answers taken unless `refused` names them. */
  async respond(response = OK, { refused = [], undecided = [] } = {}) {
    const [request] = this.open;
    request.isOpen = false;
    if (response.status === 200) {
      this.version += 1;
      if (request.kind === "answers") {
        const accepted = [...request.content.keys()].filter((path) => ![...refused, ...undecided].includes(path));
        const told = this.queue.settle({ accepted, refused, undecided });
        for (const path of told.refused) this.queue.refuse(path);
      }
    }
    request.resolve(response);
    await settle();
  }
}

test("answers that change while a request is under way travel together in the next one", async () => {
  const desk = new Desk();

  desk.queue.commit("city", "Austin");
  desk.queue.commit("city", "Dallas");
  desk.queue.commit("zip", "75201");
  assert.deepEqual(desk.sent, [{ city: "Austin" }]);
  await desk.respond();

  assert.deepEqual(desk.sent, [{ city: "Austin" }, { city: "Dallas", zip: "75201" }]);
  await desk.respond();
  assert.deepEqual(desk.queue.summary(), { state: "saved" });
  assert.equal(desk.queue.isUnsaved, false);
});

test("a lost connection is retried after longer and longer pauses, and looks at the others' changes first", async () => {
  const desk = new Desk();
  desk.queue.commit("city", "Austin");
  await desk.respond(LOST);
  assert.equal(desk.queue.summary(), null);
  assert.equal(desk.fields.get("city"), "failed");

  await desk.clock.ring();
  await desk.respond(LOST);
  await desk.clock.ring();
  await desk.respond();
  await desk.respond();

  assert.deepEqual(desk.sent, [{ city: "Austin" }, "parts", "parts", { city: "Austin" }]);
  assert.deepEqual(desk.clock.pauses, [2_000, 4_000]);
  assert.deepEqual(desk.queue.summary(), { state: "saved" });
});

test("what signing in again or the right would help is not retried by itself", async () => {
  for (const status of [401, 403, 404]) {
    const desk = new Desk();
    desk.queue.commit("city", "Austin");
    await desk.respond({ status, problem: "" });

    assert.equal(desk.clock.isIdle, true);
    desk.failures[0].retry();
    await desk.respond();
    assert.deepEqual(desk.sent, [{ city: "Austin" }, { city: "Austin" }]);
  }
});

test("a refused order is given up with those behind it, and answers stay", async () => {
  const desk = new Desk();
  desk.queue.order({ order: "remove", path: "rows/1" });
  desk.queue.order({ order: "add", path: "rows" });
  desk.queue.commit("city", "Austin");
  await desk.respond({ status: 422, problem: "There are too many rows." });
  assert.equal(desk.failures[0].response.problem, "There are too many rows.");

  desk.queue.retryNow();
  await desk.respond();

  assert.deepEqual(desk.sent, [{ order: "remove", path: "rows/1" }, { city: "Austin" }]);
});

test("what the server never takes is not sent again: its text stays in the field, with what to do", async () => {
  for (const status of [400, 405, 413, 414, 415, 422, 431, 451]) {
    const desk = new Desk();
    desk.queue.commit("city", "Austin");
    await desk.respond({ status, problem: "" });

    assert.equal(desk.clock.isIdle, true);
    assert.equal(desk.open.length, 0);
    assert.equal(desk.queue.isHeld("city"), true);
    assert.equal(desk.fields.get("city"), "failed");
    assert.match(
      desk.refusals[0].reason,
      /^(this is too long\. Shorten it\.|the server cannot accept .* copy your text)/,
    );
    assert.deepEqual(desk.queue.summary(), { state: "refused", count: 1 });
    desk.queue.commit("zip", "78701");
    desk.queue.retryNow();
    await desk.respond();
    assert.deepEqual(desk.sent, [{ city: "Austin" }, { zip: "78701" }]);

    desk.queue.commit("city", "Waco");
    await desk.respond();
    assert.deepEqual(desk.queue.summary(), { state: "saved" });
  }
});

test("of answers that are refused together only the one that is to blame stays unsaved", async () => {
  const desk = new Desk();
  desk.queue.commit("name", "Ada");
  for (const path of ["a", "b", "c"]) desk.queue.commit(path, path.toUpperCase());
  await desk.respond();
  await desk.respond({ status: 400, problem: "" });
  desk.queue.commit("a", "AA"); // behind the one that is under way
  await desk.respond();
  await desk.respond({ status: 400, problem: "" });
  await desk.respond();
  await desk.respond();

  assert.deepEqual(desk.sent.slice(1), [{ a: "A", b: "B", c: "C" }, { a: "A" }, { b: "B" }, { c: "C" }, { a: "AA" }]);
  assert.deepEqual(desk.unsaved, [{ path: "b", isUndecided: false }]);
  assert.equal(desk.clock.isIdle, true);
});

test("a refusal of the whole form waits with everything for its person", async () => {
  for (const response of [
    { status: 423, problem: "This copy is locked." },
    { status: 412, problem: "" },
    { status: 409, problem: "This copy is deleted.", isFinal: true },
  ]) {
    const desk = new Desk();
    desk.queue.commit("city", "Austin");
    await desk.respond(response);
    assert.equal(desk.clock.isIdle, true);
    assert.equal(desk.queue.isHeld("city"), true);
    assert.equal(desk.failures[0].response, response);

    desk.failures[0].retry();
    await desk.respond();
    assert.deepEqual(desk.sent, [{ city: "Austin" }, { city: "Austin" }]);
  }
});

test("an order that cannot succeed is given up, whether the server says why or not", async () => {
  for (const response of [
    { status: 400, problem: "" },
    { ...REFUSED, isFinal: true },
  ]) {
    const desk = new Desk();
    const order = { order: "post", text: "Hello" };
    desk.queue.order(order);
    assert.equal(desk.queue.isInLine(order), true);
    await desk.respond(response);

    assert.equal(desk.queue.isInLine(order), false);
    assert.equal(desk.clock.isIdle, true);
    assert.equal(desk.queue.isUnsaved, false);
    assert.ok(reasonFor(desk.failures[0].response));
  }
});

test("a server that asks to be left alone is", async () => {
  const desk = new Desk();
  desk.queue.commit("city", "Austin");
  await desk.respond({ status: 429, problem: "", wait: 60_000 });
  await desk.clock.ring();
  await desk.respond();

  assert.deepEqual(desk.clock.pauses, [60_000]);
  assert.deepEqual(desk.queue.summary(), { state: "saved" });
});

test("a success that names no answer has saved none", async () => {
  const desk = new Desk();
  desk.queue.commit("city", "Austin");
  const [request] = desk.open;
  request.isOpen = false;
  request.resolve(OK);
  await settle();

  assert.equal(desk.queue.isHeld("city"), true);
  assert.equal(desk.failures[0].response.status, 0);
  assert.equal(desk.clock.isIdle, false);
});

test("a conflict of two saves is tried again, also for orders", async () => {
  const desk = new Desk();
  desk.queue.order({ order: "add", path: "rows" });
  await desk.respond(REFUSED);
  await desk.clock.ring();
  await desk.respond();

  assert.deepEqual(desk.sent, [
    { order: "add", path: "rows" },
    { order: "add", path: "rows" },
  ]);
});

test("changes of others are loaded before anything is sent, once for all that came meanwhile", async () => {
  const desk = new Desk();
  desk.queue.refresh(2);
  desk.queue.refresh(3);
  desk.queue.commit("city", "Austin");
  desk.version = 2;
  await desk.respond();

  assert.deepEqual(desk.sent, ["parts", { city: "Austin" }]);
  desk.queue.refresh(1);
  await desk.respond();
  assert.equal(desk.open.length, 0);
});

test("a refused answer stays held until another one is taken", async () => {
  const desk = new Desk();
  desk.queue.commit("zip", "abc");
  await desk.respond(OK, { refused: ["zip"] });
  assert.deepEqual(desk.queue.summary(), { state: "refused", count: 1 });
  assert.equal(desk.queue.isHeld("zip"), true);
  assert.equal(desk.fields.get("zip"), "failed");

  desk.queue.commit("zip", "78701");
  await desk.respond();

  assert.deepEqual(desk.queue.summary(), { state: "saved" });
  assert.deepEqual(desk.queue.held(), []);
});

test("a refusal says nothing about a newer text", async () => {
  const desk = new Desk();
  desk.queue.commit("zip", "abc");
  desk.queue.startTyping("zip");
  await desk.respond(OK, { refused: ["zip"] });

  assert.equal(desk.queue.isRefused("zip"), false);
  assert.equal(desk.queue.isTyped("zip"), true);
});

test("a withheld answer is not sent before it is committed or dropped", async () => {
  const desk = new Desk();
  let isDecided = false;
  desk.queue.addGuard((path) => path === "city" && !isDecided);
  desk.queue.withhold("city");
  desk.queue.commit("city", "Austin");
  assert.deepEqual(desk.sent, []);
  assert.deepEqual(desk.queue.summary(), { state: "undecided", count: 1 });

  isDecided = true;
  desk.queue.commit("city", "Austin");
  await desk.respond();
  desk.queue.withhold("zip");
  desk.queue.drop("zip");

  assert.deepEqual(desk.sent, [{ city: "Austin" }]);
  assert.deepEqual(desk.queue.summary(), { state: "saved" });
});

test("an answer that others changed meanwhile is kept, with the newest text, until its person decides", async () => {
  const desk = new Desk();
  desk.queue.commit("city", "Austin");
  desk.queue.commit("zip", "78701");
  await desk.respond(OK, { undecided: ["city"] });
  assert.deepEqual(desk.unsaved, [{ path: "city", isUndecided: true }]);
  assert.equal(desk.queue.isHeld("city"), true);
  await desk.respond();

  // A newer text that waits behind the first one is not sent over the other answer either.
  desk.queue.commit("city", "Dallas");
  desk.queue.commit("city", "Waco");
  await desk.respond(OK, { undecided: ["city"] });
  assert.equal(desk.open.length, 0);
  assert.deepEqual(desk.queue.summary(), { state: "undecided", count: 1 });

  desk.queue.commit("city", "Waco");
  await desk.respond();
  assert.deepEqual(desk.sent, [{ city: "Austin" }, { zip: "78701" }, { city: "Dallas" }, { city: "Waco" }]);
  assert.deepEqual(desk.queue.summary(), { state: "saved" });
});

test("a text that the page itself refuses is listed and not sent", async () => {
  const desk = new Desk();
  desk.queue.startTyping("born");
  desk.queue.refuse("born");

  assert.deepEqual(desk.sent, []);
  assert.deepEqual(desk.unsaved, [{ path: "born", isUndecided: false }]);
  assert.equal(desk.queue.isUnsaved, true);
});

test("who waits for an answer to be taken is called when it is, and when a request fails", async () => {
  const desk = new Desk();
  const calls = [];
  desk.queue.commit("a", "1");
  desk.queue.commit("b", "1");
  desk.queue.whenTaken("b").then(() => calls.push("b"));
  await desk.respond();
  assert.deepEqual(calls, []);
  await desk.respond();
  assert.deepEqual(calls, ["b"]);

  desk.queue.commit("c", "1");
  desk.queue.whenTaken("c").then(() => calls.push("c"));
  await desk.respond(LOST);
  assert.deepEqual(calls, ["b", "c"]);
  await desk.queue.whenTaken("never sent");
});

/** Return a generator of random numbers that gives the same ones for the same seed. */
function seeded(seed) {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Return whether the values of `part` come in `whole` in the same order; a value may come several times in a row. */
function isInOrder(part, whole) {
  let at = 0;
  return part.every((value) => {
    const place = whole.indexOf(value, Math.max(0, at));
    at = place;
    return place >= 0;
  });
}

for (let seed = 1; seed <= 300; seed += 1) {
  test(`whatever happens, everything arrives in order (seed ${seed})`, async () => {
    const random = seeded(seed);
    const desk = new Desk();
    const paths = ["a", "b", "c", "d"];
    const committed = new Map(paths.map((path) => [path, []])); // path -> values in order
    const received = new Map(paths.map((path) => [path, []])); // what the server stored, in order
    const ordered = [];
    const done = [];

    const edit = () => {
      const path = paths[random(paths.length)];
      const value = `${path}${committed.get(path).length}`;
      committed.get(path).push(value);
      if (random(2)) desk.queue.startTyping(path);
      desk.queue.commit(path, value);
    };
    const order = () => {
      ordered.push(ordered.length);
      desk.queue.order({ order: "add", number: ordered.length - 1 });
    };
    const respond = async (responses) => {
      if (!desk.open.length) return;
      const [{ kind, content }] = desk.open;
      const [response, isStored] = responses[random(responses.length)];
      if (isStored && kind === "answers") for (const [path, value] of content) received.get(path).push(value);
      if (isStored && kind === "order") done.push(content.number);
      await desk.respond(response);
    };
    const any = [
      [OK, true],
      [LOST, false],
      [LOST, true], // it was stored, and the response is lost
      [{ status: 500, problem: "" }, false],
      [REFUSED, false],
      [{ status: 401, problem: "" }, false],
    ];
    const steps = [edit, edit, edit, order, () => respond(any), () => respond(any), () => desk.clock.ring()];
    steps.push(
      () => desk.queue.refresh(desk.version + random(3)),
      () => desk.queue.retryNow(),
    );

    for (let step = 0; step < 60; step += 1) {
      await steps[random(steps.length)]();
      assert.ok(desk.open.length <= 1, "two requests at a time");
      for (const path of paths) {
        const last = committed.get(path).at(-1);
        const isStored = received.get(path).at(-1) === last;
        assert.ok(last === undefined || isStored || desk.queue.isHeld(path), `${path} is lost`);
      }
    }
    desk.queue.retryNow();
    for (let round = 0; round < 200 && (desk.open.length || !desk.clock.isIdle); round += 1) {
      await respond([[OK, true]]);
      await desk.clock.ring();
    }

    for (const path of paths) {
      assert.equal(received.get(path).at(-1), committed.get(path).at(-1), `the last answer to ${path}`);
      assert.ok(isInOrder(received.get(path), committed.get(path)), `${path} came out of order: ${received.get(path)}`);
    }
    assert.deepEqual([...new Set(done)], ordered);
    assert.equal(desk.queue.isUnsaved, false);
    assert.deepEqual(desk.queue.summary(), { state: "saved" });
  });
}
