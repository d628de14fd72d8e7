/* The page's socket: it announces what others save (which the page then loads) and who is here, and notices when it
   is cut off. */

import { announce } from "./announcer.js";
import { clearBanner, isOfflineShown, showBanner } from "./banner.js";
import { onClick } from "./clicks.js";
import { isGone, sayIfDeleted } from "./deleted-form.js";
import { fieldOf } from "./field.js";
import { page, shownVersion } from "./form-page.js";
import { queue } from "./form-queue.js";
import * as presence from "./presence.js";
import { reconnectPause } from "./reconnect-pause.js";
import { partHeaders } from "./requests.js";
import { say } from "./words.js";

const SIGNED_OUT = 4401;
const GONE = 4404;
const CHECK_DUE = 4419; // a request has the company asked about the session; then the socket opens again
const SILENCE = 45_000; // the server sends something every 20 s
const FIRST_SILENCE = 10_000;
const SHORT_GAP = 1_500; // not worth a banner
const LOOK_FOR_SESSION = 5_000;
const FOCUS_RESTS = 150;
const OTHER_ACCOUNT = "X-Other-Account";
const NOBODY_IS_HERE = "You are signed out. Sign in using another tab. What you typed is still here.";
const OTHER_IS_HERE = "Another account is signed in in this browser. What you typed is still here.";
const NO_LONGER_EXISTS = say("This form no longer exists.");

let socket = null;
let id = ""; // of the open socket, given by the server
let attempts = 0;
let isOver = false;
let awayBanner = ""; // the name of the banner while the person of this page is signed out
let focusedPath = null; // the question that the others see this person at
let retryTimer = 0;
let silenceTimer = 0;
let bannerTimer = 0;
let focusTimer = 0;

const showOffline = () => showBanner("offline");

function connect() {
  clearTimeout(retryTimer);
  if (isOver || socket) return;
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const opened = (socket = new WebSocket(`${scheme}://${location.host}${page.dataset.socket}`));
  opened.addEventListener("message", ({ data }) => {
    if (opened === socket) receive(JSON.parse(data));
  });
  opened.addEventListener("close", ({ code }) => {
    if (opened === socket) lose(code);
  });
  watchSilence();
}

/** Give a connection up that sends nothing for long, whatever state it claims to be in. */
function watchSilence() {
  clearTimeout(silenceTimer);
  silenceTimer = setTimeout(abandon, id ? SILENCE : FIRST_SILENCE);
}

function abandon() {
  const abandoned = socket;
  if (!abandoned) return;
  lose(0);
  abandoned.close();
}

function lose(code, isOther = false) {
  socket = null;
  id = "";
  delete page.dataset.live;
  clearTimeout(silenceTimer);
  presence.showNobody();
  if (code === SIGNED_OUT) return leave(isOther);
  if (code === GONE) return stop();
  if (!bannerTimer && !awayBanner) bannerTimer = setTimeout(showOffline, SHORT_GAP);
  attempts += 1;
  if (attempts > 2 || awayBanner || code === CHECK_DUE) askWhy();
  retryTimer = setTimeout(connect, reconnectPause(attempts));
}

/** Stop, as nothing more will come: the copy is gone, or the whole form. */
async function stop() {
  isOver = true;
  clearTimeout(retryTimer);
  stopBannerTimer();
  if (!isGone() && !(await isDeleted())) end(NO_LONGER_EXISTS);
}

function end(text) {
  isOver = true;
  clearTimeout(retryTimer);
  showBanner("ended", { texts: { text } });
  announce(text);
}

/** Stop, as the server asks: a guest's link is over for good, an agent may sign in again. */
function leave(isOther = false) {
  if (page.dataset.ended) end(page.dataset.ended);
  else waitForSession(isOther);
}

/** Learn from the response to a save that the session is over: the socket may not know it yet. */
function leaveAfter(xhr) {
  if (xhr.status !== 401 || isOver) return;
  const left = socket;
  lose(
    SIGNED_OUT,
    isOfOther((name) => xhr.getResponseHeader(name)),
  );
  left?.close();
}

/** Return whether a refusal says that another account is signed in than that for which the page was made. */
const isOfOther = (headers) => headers(OTHER_ACCOUNT) !== null;

/** Keep what was typed: the page goes on when its person has signed in elsewhere. */
function waitForSession(isOther) {
  clearTimeout(retryTimer);
  retryTimer = setTimeout(comeBack, LOOK_FOR_SESSION);
  isOver = true;
  const shown = isOther ? "other-account" : "signed-out";
  if (awayBanner === shown) return;
  awayBanner = shown;
  stopBannerTimer();
  if (isOther) showBanner("other-account");
  else showBanner("signed-out");
  announce(isOther ? OTHER_IS_HERE : NOBODY_IS_HERE);
}

function stopBannerTimer() {
  clearTimeout(bannerTimer);
  bannerTimer = 0;
}

function loadParts() {
  const headers = partHeaders({ "X-Copy-Version": String(shownVersion()) });
  return fetch(page.dataset.parts, { headers }).catch(() => null);
}

/** Return whether the form was deleted, and say so. */
async function isDeleted() {
  const response = await loadParts();
  return sayIfDeleted((name) => response?.headers.get(name));
}

/** Ask the server's pages why a handshake was refused: the refusal does not say it. */
async function askWhy() {
  const response = await loadParts();
  if (response?.status === 401) leave(isOfOther((name) => response.headers.get(name)));
  else if (response?.status === 404) stop();
}

function receive(frame) {
  if (frame.type === "snapshot") start(frame);
  if (frame.type === "heartbeat") presence.showEverybody(frame.people, id);
  if (frame.type === "presence") {
    const text = presence.note(frame.event, frame.person);
    if (text) announce(text);
  }
  if (frame.type === "copies") noteOtherCopy(frame.copy);
  else if (frame.version) queue.refresh(frame.version);
  if (frame.release && String(frame.release) !== page.dataset.release) showRelease(frame.release);
  watchSilence();
}

/** Begin (again) with the first frame of a connection. */
function start(snapshot) {
  id = snapshot.socket;
  page.dataset.live = "";
  attempts = 0;
  stopBannerTimer();
  if (isOfflineShown()) {
    clearBanner();
    announce(awayBanner ? "You are signed in again." : say("You are online again."));
  }
  if (awayBanner) queue.refresh(); // brings the new session's token, without which nothing is saved
  awayBanner = "";
  presence.showEverybody(snapshot.people, id);
  if (document.hidden) sendView();
  const path = focusedPath;
  focusedPath = null;
  sendFocus(path);
}

/** Load the tabs again, and what the answers of the base are compared with. */
function noteOtherCopy(copyId) {
  page.dispatchEvent(new CustomEvent("other-copy", { detail: { copyId } }));
}

function showRelease(release) {
  page.dataset.release = release;
  showBanner("release", { state: "news" });
  announce(say("The questions of this form have changed. A new release has been published."));
}

function send(frame) {
  if (id) socket.send(JSON.stringify(frame));
}

/** Remember the question in focus and send it; before the socket is open, `start` sends it. */
function sendFocus(path) {
  if (path === focusedPath) return;
  focusedPath = path;
  send({ type: "focus", path });
}

function sendFocusSoon(path) {
  clearTimeout(focusTimer);
  focusTimer = setTimeout(sendFocus, FOCUS_RESTS, path);
}

const sendView = () => send({ type: "view", visible: !document.hidden });

async function comeBack() {
  if (document.hidden || socket) return;
  if (awayBanner && !(await isBack())) return;
  if (awayBanner && !socket) isOver = false;
  connect();
}

/** Return whether the person of the page is signed in again; else go on waiting. */
async function isBack() {
  const response = await loadParts();
  if (response?.status !== 401) return true;
  if (socket) return false; // another look found the session, and connected
  waitForSession(isOfOther((name) => response.headers.get(name)));
  return false;
}

/** Close the socket of a page that is left, without trying again. */
function closeQuietly() {
  clearTimeout(retryTimer);
  const left = socket;
  socket = null;
  id = "";
  left?.close();
}

/** Leave the copy that the page no longer shows, and open the socket of the one that it shows now. */
export function followCopy() {
  stopBannerTimer();
  clearTimeout(silenceTimer);
  closeQuietly();
  presence.showNobody();
  if (!awayBanner) clearBanner();
  delete page.dataset.gone;
  isOver = awayBanner !== "";
  attempts = 0;
  connect();
}

function watchFocus() {
  page.addEventListener("focusin", ({ target }) => sendFocusSoon(fieldOf(target)?.dataset.path ?? null));
  page.addEventListener("focusout", () => sendFocusSoon(null));
}

function watchConnection() {
  window.addEventListener("offline", () => {
    showOffline();
    abandon();
  });
  window.addEventListener("online", () => {
    attempts = 0;
    connect();
  });
  window.addEventListener("focus", comeBack);
  window.addEventListener("pagehide", closeQuietly);
  // The person who deletes the form goes to the list: they must not read here that it was deleted.
  document.addEventListener("submit", ({ target }) => {
    if (target.id === "delete-form") closeQuietly();
  });
  window.addEventListener("pageshow", ({ persisted }) => {
    if (!persisted) return;
    queue.refresh();
    connect();
  });
}

export function startSocket() {
  watchFocus();
  watchConnection();
  // A person who has the page open and in view is working here, also without a word.
  document.addEventListener("visibilitychange", () => {
    sendView();
    comeBack();
  });
  // The server does not announce a save to the page that made it.
  document.body.addEventListener("htmx:configRequest", ({ detail }) => {
    if (id) detail.headers["X-Socket-Id"] = id;
  });
  document.body.addEventListener("htmx:responseError", ({ detail }) => leaveAfter(detail.xhr));
  onClick("[data-reload]", () => location.reload());
  connect();
}
