/* The words of the selection of forms. */

import assert from "node:assert/strict";
import test from "node:test";

import { selectionWords } from "../../static/web/selection.js";

test("one form is not forms", () => {
  assert.equal(selectionWords(1), "1 form selected");
  assert.equal(selectionWords(12), "12 forms selected");
});
