/* What the server's responses say besides their parts: which answers it accepted or refused, which version the parts
   show, and which row is new. htmx fires these events before the parts are put into the page. */

import { announce } from "./announcer.js";
import * as conflicts from "./conflicts.js";
import { controlsOf, fieldAt, isMasked, rowAt } from "./field.js";
import { page, setShownVersion } from "./form-page.js";
import { queue } from "./form-queue.js";
import * as keptTexts from "./kept-texts.js";
import { showPutAway } from "./put-away.js";
import { placeRow } from "./rows.js";
import { showField, showRefusal } from "./save-status.js";
import { say } from "./words.js";

const PARTS_ARE_SHOWN = 30;

function noteAnswers({ taken, faults, conflicts: authors, texts, away }) {
  const reasons = new Map(faults.map(({ path, text }) => [path, text]));
  const undecided = Object.keys(authors);
  const { saved, refused } = queue.settle({ accepted: taken, refused: [...reasons.keys()], undecided });
  for (const path of undecided) meetLater(path, authors[path]);
  for (const path of saved.filter(fieldAt)) {
    showStored(fieldAt(path), texts[path]);
    showField(path, "saved");
  }
  for (const path of refused.filter(fieldAt)) {
    showRefusal(path, reasons.get(path));
    queue.refuse(path);
  }
  for (const path of taken) keptTexts.noteAccepted(path);
  for (const path of reasons.keys()) keptTexts.noteRefused(path);
  if (away) showPutAway(away);
  if (faults.length) announce(say("Not saved: {reason}", { reason: faults[0].text }));
}

/** Let the person choose between their answer to `path` and that of `who`, which the parts of this response bring. */
function meetLater(path, who) {
  if (fieldAt(path)) conflicts.demand(path, who);
  else queue.drop(path);
}

/** Show in `field` the stored `text` instead of what was typed, if it differs; nothing of an answer that is hidden. */
function showStored(field, text) {
  const [control] = controlsOf(field);
  if (isMasked(field)) control.value = "";
  if (isMasked(field) || text === undefined) return;
  control.value = text;
  control.defaultValue = text;
}

function noteVersion({ version, said, theirs = {}, title, token, row }) {
  if (token) takeToken(token);
  keptTexts.expect(theirs);
  dropInRemovedRow();
  setShownVersion(version);
  const name = document.getElementById("copy-title");
  if (name && title !== undefined && document.activeElement !== name) name.value = title;
  conflicts.expect(theirs);
  if (row) placeRow(row);
  if (said) announce(said);
}

/** Use the token of a session that began in another tab: without it nothing is saved. */
function takeToken(token) {
  const known = JSON.parse(document.body.getAttribute("hx-headers"));
  document.body.setAttribute("hx-headers", JSON.stringify({ ...known, "X-CSRFToken": token }));
  for (const input of document.querySelectorAll("[name=csrfmiddlewaretoken]")) input.value = token;
}

/** Give up the texts in a row that this page itself removes. */
function dropInRemovedRow() {
  const order = queue.orderUnderWay;
  if (order?.order !== "remove") return;
  for (const path of queue.held().filter((held) => held.startsWith(`${order.path}/`))) {
    conflicts.close(path);
    queue.drop(path);
  }
}

function showNewRow({ path }) {
  setTimeout(() => {
    const row = rowAt(path);
    if (row?.contains(document.activeElement)) return; // put back around what is being typed
    row?.querySelector("input:not([disabled]), select, textarea")?.focus({ preventScroll: true });
    row?.scrollIntoView({ block: "nearest", behavior: "smooth" });
  }, PARTS_ARE_SHOWN);
}

/** Go to the first answer that is missing beside those that were taken over, unless the person has gone elsewhere. */
function showRest({ path }) {
  setTimeout(() => {
    if (document.activeElement !== document.body) return;
    const fields = [...(fieldAt(path)?.closest(".row, .set").querySelectorAll(".field[data-path]") ?? [])];
    const next = fields.find((field) => field.hasAttribute("data-empty")) ?? fieldAt(path);
    controlsOf(next)[0]?.focus({ preventScroll: true });
  }, PARTS_ARE_SHOWN);
}

export function startServerEvents() {
  document.body.addEventListener("answers-taken", ({ detail }) => noteAnswers(detail));
  document.body.addEventListener("copy-saved", ({ detail }) => {
    noteVersion(detail);
    page.dispatchEvent(new CustomEvent("saved", { detail }));
  });
  document.body.addEventListener("row-added", ({ detail }) => showNewRow(detail));
  document.body.addEventListener("taken-over", ({ detail }) => showRest(detail));
}
