/* Who is at a form: people count, not their sockets. */

import assert from "node:assert/strict";
import test from "node:test";

import { Roster, initials } from "../../static/web/roster.js";

const ONA = { socket: "s1", type: "agent", id: "1", name: "Ona Owner" };
const MAX = { socket: "s2", type: "agent", id: "2", name: "Max Member" };
const GUS = { socket: "s3", type: "guest", name: "Gus" };

function roster() {
  const made = new Roster();
  made.replace([ONA, MAX], "s1");
  return made;
}

test("the page's own person is not among the others", () => {
  assert.deepEqual(roster().names(), ["Max Member"]);
});

test("coming and going is announced once for each person", () => {
  const made = roster();
  assert.equal(made.note("joined", GUS), "Gus is here.");
  assert.equal(made.note("joined", { ...GUS, socket: "s4" }), "");
  assert.equal(made.note("left", GUS), "");
  assert.equal(made.note("left", { ...GUS, socket: "s4" }), "Gus has left.");
  assert.equal(made.note("joined", { ...ONA, socket: "s5" }), "");
  assert.deepEqual(made.names(), ["Max Member"]);
});

test("the places are those of the others, each name once", () => {
  const made = roster();
  made.note("moved", { ...MAX, path: "city" });
  made.note("joined", { ...MAX, socket: "s6", path: "city" });
  made.note("joined", { ...GUS, path: "city" });
  made.note("moved", { ...ONA, path: "zip" });
  assert.deepEqual([...made.places()], [["city", ["Max Member", "Gus"]]]);
});

test("initials are two capital letters at most", () => {
  assert.equal(initials("Ona Owner"), "OO");
  assert.equal(initials("max.member@harbor.example"), "MM");
  assert.equal(initials("Gus"), "G");
});
