/* The small rules: which option the arrow keys lead to, and how long to wait before connecting again. */

import assert from "node:assert/strict";
import test from "node:test";

import { nextPlace } from "../../static/web/option-cursor.js";
import { reconnectPause } from "../../static/web/reconnect-pause.js";

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
