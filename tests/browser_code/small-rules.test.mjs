/* The small rules: which choices are meant, which option the arrow keys lead to, how faults are counted, and how long
   to wait before connecting again. */

import assert from "node:assert/strict";
import test from "node:test";

import { codeOf, isKnownCode, matching, theOne } from "../../static/web/choice-search.js";
import { idOf, pathOf } from "../../static/web/field.js";
import { faultWords } from "../../static/web/fault-words.js";
import { nextPlace } from "../../static/web/option-cursor.js";
import { clockText, placeAfter, requestLabel } from "../../static/web/quote-clock.js";
import { oneAfterAnother } from "../../static/web/fresh-parts.js";
import { problemOf } from "../../static/web/requests.js";
import { reconnectPause } from "../../static/web/reconnect-pause.js";
import { RunningShare } from "../../static/web/running-share.js";
import { UndoHistory } from "../../static/web/undo-history.js";

const STATES = [
  ["TN", "Tennessee"],
  ["TX", "Texas"],
  ["VT", "Vermont"],
  ["NM", "New Mexico"],
  ["MX", "Extra"],
].map(([code, label]) => ({ code, label }));
const codes = (choices) => choices.map(({ code }) => code);

test("a choice is found by its name, its code and any word of it, the best first", () => {
  assert.deepEqual(codes(matching(STATES, "tex")), ["TX"]);
  assert.deepEqual(codes(matching(STATES, "TX")), ["TX"]);
  assert.deepEqual(codes(matching(STATES, "t")), ["TN", "TX", "VT", "MX"]);
  assert.deepEqual(codes(matching(STATES, " mex")), ["NM"]);
  assert.deepEqual(codes(matching(STATES, "")), codes(STATES));
  assert.deepEqual(matching(STATES, "ohio"), []);
});

test("a text means one choice if it is its name or code, or the beginning of no other", () => {
  assert.equal(theOne(STATES, "tx").code, "TX");
  assert.equal(theOne(STATES, "Tenn").code, "TN");
  assert.equal(theOne(STATES, "te"), null);
  assert.equal(theOne(STATES, ""), null);
  assert.equal(codeOf(STATES, " texas "), "TX");
  assert.equal(codeOf(STATES, ""), null);
  assert.equal(codeOf(STATES, "Tex"), "Tex");
});

test("a code is shown if people know it", () => {
  const known = [
    ["TX", "Texas"],
    ["8810", "Clerical office"],
    ["l1m", "1M/2M"],
    ["sole_prop", "Sole proprietor"],
    ["OHIO", "Ohio"],
    ["NA", "NA"],
  ].map(([code, label]) => isKnownCode({ code, label }));
  assert.deepEqual(known, [true, true, false, false, false, false]);
});

test("the words count all faults and tell those that are not saved", () => {
  assert.equal(faultWords({ all: 0 }), "");
  assert.equal(faultWords({ all: 1, unsaved: 1 }), "Not saved: 1 answer needs fixing");
  assert.equal(faultWords({ all: 2 }), "2 answers need fixing");
  assert.equal(faultWords({ all: 3, unsaved: 1 }), "3 answers need fixing, 1 not saved");
  assert.equal(faultWords({ all: 1, unsaved: 1, undecided: 1 }), "Not saved: choose an answer");
  assert.equal(faultWords({ all: 2, unsaved: 2, undecided: 2 }), "Not saved: choose 2 answers");
  assert.equal(faultWords({ all: 2, unsaved: 2, undecided: 1 }), "Not saved: 2 answers need fixing");
});

test("the options are a ring, which begins at either end", () => {
  assert.equal(nextPlace(-1, "ArrowDown", 3), 0);
  assert.equal(nextPlace(2, "ArrowDown", 3), 0);
  assert.equal(nextPlace(-1, "ArrowUp", 3), 2);
  assert.equal(nextPlace(0, "ArrowUp", 3), 2);
  assert.equal(nextPlace(1, "ArrowUp", 3), 0);
});

test("the pause grows to half a minute, and pages do not come back together", () => {
  assert.equal(
    reconnectPause(1, () => 0),
    250,
  );
  assert.equal(
    reconnectPause(1, () => 1),
    500,
  );
  assert.equal(
    reconnectPause(3, () => 1),
    2_000,
  );
  assert.equal(
    reconnectPause(40, () => 1),
    30_000,
  );
});

test("elapsed time is read like a watch", () => {
  assert.deepEqual([-3, 9.8, 725, 11_040].map(clockText), ["0:00", "0:09", "12:05", "3:04:00"]);
});

test("a button says how many quotes it requests, and that it only asks again", () => {
  assert.equal(requestLabel(2, 0), "Request 2 quotes");
  assert.equal(requestLabel(1, 1), "Request 2 quotes");
  assert.equal(requestLabel(1, 0), "Request 1 quote");
  assert.equal(requestLabel(0, 1), "Ask again 1 quote");
  assert.equal(requestLabel(0, 3), "Ask again 3 quotes");
});

test("j and k go from row to row and stop at the ends", () => {
  assert.deepEqual([placeAfter(-1, 1, 3), placeAfter(-1, -1, 3)], [0, 2]);
  assert.deepEqual([placeAfter(1, 1, 3), placeAfter(2, 1, 3), placeAfter(0, -1, 3)], [2, 2, 0]);
  assert.equal(placeAfter(-1, 1, 0), -1);
});

const progress = (operation, state, total, completed) => ({
  operation,
  state,
  counts: { total, completed, failed: 0, cancelled: 0 },
});

test("the ring's share never goes back while operations end, and all are forgotten with the last one", () => {
  const share = new RunningShare();
  share.note(progress("a", "in_progress", 10, 4));
  assert.equal(share.words, "1 operation, 40 percent");
  share.note(progress("b", "pending", 10, 0));
  assert.equal(share.words, "2 operations, 20 percent");
  share.note(progress("a", "completed", 10, 10));
  assert.equal(share.words, "1 operation, 50 percent");
  share.note(progress("b", "partial", 10, 10));
  assert.equal(share.number, 0);
  share.note(progress("c", "in_progress", 1000, 999));
  assert.equal(share.words, "1 operation, 99 percent");
});

test("loads never overlap, and calls during one lead to exactly one more", async () => {
  let running = 0;
  let loads = 0;
  const refresh = oneAfterAnother(async () => {
    running += 1;
    loads += 1;
    assert.equal(running, 1);
    await new Promise((go) => setTimeout(go, 5));
    running -= 1;
  });
  const first = refresh();
  refresh();
  refresh();
  await first;
  assert.equal(loads, 2);
});

test("after a load that failed the next one is tried", async () => {
  let loads = 0;
  const refresh = oneAfterAnother(async () => {
    loads += 1;
    if (loads === 1) throw new Error("as ordered");
  });
  await assert.rejects(refresh(), /as ordered/);
  await refresh();
  assert.equal(loads, 2);
});

test("the id of an element names its path", () => {
  const [row, other] = ["0198f0aa-0000-7000-8000-00000000000a", "0198f0aa-0000-7000-8000-00000000000b"];
  for (const path of [
    "mqs_naics",
    "locations",
    `locations/${row}`,
    `locations/${row}/mqs_loc_zip`,
    `locations/${row}/buildings/${other}`,
    `locations/${row}/buildings/${other}/mqs_bld_limit`,
  ]) {
    assert.equal(pathOf(idOf(path)), path);
  }
});

test("saves are undone from the last one back, or one by the version before it, and done again", () => {
  const history = new UndoHistory();
  for (const before of [1, 2, 3]) history.note({ before, version: before + 1 });
  assert.deepEqual(history.latest, { before: 3, version: 4 });
  assert.deepEqual(history.takeUndo(2), { before: 2, version: 3 });
  assert.equal(history.takeUndo(2), undefined);
  assert.deepEqual(history.takeUndo(), { before: 3, version: 4 });

  history.note({ before: 4, version: 5 }, { isUndo: true });
  assert.deepEqual(history.takeRedo(), { before: 4, version: 5 });
  history.note({ before: 5, version: 6 }, { isRedo: true });
  assert.deepEqual(history.takeUndo(), { before: 5, version: 6 });
  history.note({ before: 6, version: 7 }, { isUndo: true });
  history.note({ before: 7, version: 8 });
  assert.equal(history.takeRedo(), undefined);
});

test("a history has an end", () => {
  const history = new UndoHistory();
  assert.equal(history.takeUndo(), undefined);
  for (let before = 1; before <= 150; before += 1) history.note({ before, version: before + 1 });
  let number = 0;
  while (history.takeUndo()) number += 1;
  assert.equal(number, 100);
});

const withReason = (text) => ({ getResponseHeader: () => text });

test("a reason is read from its header with all its letters", () => {
  assert.equal(problemOf(withReason("Caf%C3%A9 100 %25: This copy is locked.")), "Café 100 %: This copy is locked.");
  assert.equal(problemOf(withReason(null)), "");
  assert.equal(problemOf(null), "");
});
