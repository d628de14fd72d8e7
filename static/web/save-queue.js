/* The queue of saves of one copy, without a page: one request at a time, and answers that change meanwhile travel
   together in the next one. Changes of others are loaded in the same line. An answer leaves the queue when the server
   has taken or refused it, when it is dropped, or when a newer one takes its place. */

import { Refusal, refusalOf } from "./refusals.js";

const LOST = { status: 0, problem: "" }; // no response of the product
const LONGEST_PAUSE = 30_000;

const isSuccess = (status) => status >= 200 && status < 300;

export class SaveQueue {
  #sender;
  #view;
  #shownVersion;
  #timers;
  #guards = [];
  #waiting = new Map(); // path -> value, to be sent
  #sending = new Map(); // path -> value, under way
  #typed = new Set(); // paths with text that is not committed
  #refused = new Set();
  #suspects = new Set(); // paths of a request that was refused as a whole, to be sent one by one
  #withheld = new Set(); // paths that wait for the decision of their person
  #orders = []; // changes of rows and messages, to be sent one by one
  #orderUnderWay = null;
  #newestVersion = 0; // a later version that others saved, to be loaded; Infinity: whatever there is
  #isBusy = false;
  #failures = 0;
  #retry = 0;
  #waiters = []; // called when the request under way is over

  /**
   * `sender` has `saveAnswers(answers)`, `sendOrder(order)` and `loadParts()`; each resolves with `{ status, problem,
   * isFinal, wait }`: status 0 means that no server responded, `isFinal` that a conflict does not pass by itself,
   * `wait` the milliseconds for which the server wants to be left alone. `view` has `showField(path, state)`,
   * `clearRefusal(path)`, `showUnsaved(unsaved)`, `showSummary(summary)`, `showFailure(response, retry)`, and
   * `showRefused(path, response)`, which returns whether the page has the field. `timers` is a clock other than the
   * browser's.
   */
  constructor({ sender, view, shownVersion, timers = globalThis }) {
    this.#sender = sender;
    this.#view = view;
    this.#shownVersion = shownVersion;
    this.#timers = timers;
  }

  /** Let `guard(path)` keep an answer back from being sent, by returning true. */
  addGuard(guard) {
    this.#guards.push(guard);
  }

  get orderUnderWay() {
    return this.#orderUnderWay;
  }

  get isUnsaved() {
    return this.held().length > 0 || this.#orders.length > 0;
  }

  /** Return whether `order` is not carried out yet. */
  isInLine(order) {
    return this.#orderUnderWay === order || this.#orders.includes(order);
  }

  /** Return the paths whose fields the server's parts must not replace. */
  held() {
    return [...new Set([...this.#typed, ...this.#waiting.keys(), ...this.#sending.keys(), ...this.#refused])];
  }

  isHeld(path) {
    return this.#typed.has(path) || this.#waiting.has(path) || this.#sending.has(path) || this.#refused.has(path);
  }

  isTyped(path) {
    return this.#typed.has(path);
  }

  isRefused(path) {
    return this.#refused.has(path);
  }

  /** Return whether the page has an answer to `path` that no request contains. */
  isUnsent(path) {
    return this.#typed.has(path) || (this.#waiting.has(path) && !this.#sending.has(path));
  }

  /** Return whether the answer to `path` is being sent or is about to be. */
  isUnderWay(path) {
    return this.#waiting.has(path) || this.#sending.has(path);
  }

  /** Resolve when the answer to `path` is no longer under way, or when a request failed. */
  async whenTaken(path) {
    while (this.isUnderWay(path) && !this.#failures) await new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** Resolve when nothing is under way and nothing can be sent, or when a request failed. */
  async whenIdle() {
    while ((this.#isBusy || this.#waiting.size || this.#orders.length) && !this.#failures) {
      await new Promise((resolve) => this.#waiters.push(resolve));
    }
  }

  startTyping(path) {
    this.#typed.add(path);
  }

  stopTyping(path) {
    this.#typed.delete(path);
  }

  /** Send `value` as the answer to `path`, unless a guard keeps it back. */
  commit(path, value) {
    if (this.#guards.some((guard) => guard(path))) return;
    this.#typed.delete(path);
    this.#withheld.delete(path);
    this.#waiting.set(path, value);
    this.#view.showField(path, "saving");
    this.#timers.clearTimeout(this.#retry);
    this.#work();
  }

  /** Send a change of rows or messages, after everything that was ordered before. */
  order(order) {
    this.#orders.push(order);
    this.#work();
  }

  /** Load what others saved up to `version`, before anything is sent. */
  refresh(version = Infinity) {
    if (version <= this.#shownVersion()) return;
    this.#newestVersion = Math.max(this.#newestVersion, version);
    this.#work();
  }

  /** Send what waits at once, without the pause after a failure. */
  retryNow() {
    this.#failures = 0;
    this.#work();
  }

  /**
   * Take note of what the server accepted and refused, and which answers were changed by others meanwhile
   * (`undecided`). Return `{ saved, refused }`: the accepted and refused paths that have no newer answer on the page.
   */
  settle({ accepted, refused, undecided = [] }) {
    const isNewest = (path) => !this.#typed.has(path) && !this.#waiting.has(path);
    for (const path of accepted) this.#clearRefusal(path);
    for (const path of [...accepted, ...refused, ...undecided]) this.#sending.delete(path);
    for (const path of undecided) this.withhold(path);
    return { saved: accepted.filter(isNewest), refused: refused.filter(isNewest) };
  }

  /** Keep the refused text at `path` on the page, without sending it. */
  refuse(path) {
    this.#typed.delete(path);
    this.#waiting.delete(path);
    this.#refused.add(path);
    this.#view.showField(path, "failed");
    this.#report();
  }

  /** Forget that the answer at `path` was refused; its text is undone. */
  forgive(path) {
    if (!this.#clearRefusal(path)) return;
    this.#view.showField(path, "");
    this.#report();
  }

  /** Give up the answer at `path`; the field takes what the server sends. */
  drop(path) {
    this.#typed.delete(path);
    this.#waiting.delete(path);
    this.#withheld.delete(path);
    this.#clearRefusal(path);
    this.#view.showField(path, "");
    this.#report();
  }

  /** Keep the answer at `path` from being sent until its person has decided. */
  withhold(path) {
    this.#clearRefusal(path);
    this.#waiting.delete(path);
    this.#typed.add(path);
    this.#withheld.add(path);
    this.#view.showField(path, "failed");
    this.#report();
  }

  /** Return `{ state, count }` of the whole form; null while a failure is shown. */
  summary() {
    if (this.#failures) return null;
    if (this.#isBusy || this.#waiting.size || this.#sending.size || this.#orders.length) return { state: "saving" };
    if (this.#withheld.size) return { state: "undecided", count: this.#withheld.size };
    if (this.#refused.size) return { state: "refused", count: this.#refused.size };
    return { state: "saved" };
  }

  /** Return the answers that are not saved, as `{ path, isUndecided }`. */
  unsaved() {
    const paths = [...new Set([...this.#refused, ...this.#withheld])];
    return paths.map((path) => ({ path, isUndecided: this.#withheld.has(path) }));
  }

  #report() {
    this.#view.showUnsaved(this.unsaved());
    const summary = this.summary();
    if (summary) this.#view.showSummary(summary);
  }

  #clearRefusal(path) {
    if (!this.#refused.delete(path)) return false;
    this.#view.clearRefusal(path);
    return true;
  }

  async #work() {
    if (this.#isBusy) return this.#report();
    if (this.#newestVersion > this.#shownVersion()) return this.#catchUp();
    if (this.#waiting.size) return this.#sendAnswers();
    if (this.#orders.length) return this.#sendOrder();
    return this.#report();
  }

  async #catchUp() {
    this.#isBusy = true;
    this.#newestVersion = 0; // versions that are announced from here on are loaded in the next round
    const response = await this.#sender.loadParts();
    this.#isBusy = false;
    this.#wake();
    this.#view.showUnsaved(this.unsaved());
    // Any other fault than a lost connection must not keep answers back.
    if (response.status !== 0) return this.#work();
    if (this.#waiting.size || this.#orders.length) this.#fail(response);
  }

  async #sendAnswers() {
    this.#isBusy = true;
    this.#sending = this.#nextAnswers();
    for (const path of this.#sending.keys()) this.#waiting.delete(path);
    this.#report();
    const response = await this.#sender.saveAnswers(this.#sending);
    this.#isBusy = false;
    if (isSuccess(response.status) && !this.#sending.size) return this.#succeed();
    // A success that does not name an answer is not a response of the product: it has saved nothing.
    const failure = isSuccess(response.status) ? LOST : response;
    if (refusalOf(failure) === Refusal.CONTENT) return this.#refuseSent(failure);
    // An answer that changed meanwhile is the one to send.
    this.#waiting = new Map([...this.#sending, ...this.#waiting]);
    this.#sending.clear();
    this.#fail(failure);
  }

  /** Return the answers of the next request: all that wait, or the first of those that were refused together. */
  #nextAnswers() {
    const suspect = [...this.#suspects].find((path) => this.#waiting.has(path));
    if (suspect === undefined) this.#suspects.clear();
    if (suspect === undefined) return new Map(this.#waiting);
    this.#suspects.delete(suspect);
    return new Map([[suspect, this.#waiting.get(suspect)]]);
  }

  /** Find out which of the sent answers the server refuses whatever happens: that one stays in its field, unsent. */
  #refuseSent(response) {
    const sent = this.#sending;
    this.#sending = new Map();
    this.#failures = 0;
    if (sent.size > 1) {
      this.#suspects = new Set(sent.keys());
      this.#waiting = new Map([...sent, ...this.#waiting]);
    } else {
      const [path] = sent.keys();
      const isNewest = !this.#waiting.has(path) && !this.#typed.has(path);
      if (isNewest && this.#view.showRefused(path, response)) this.refuse(path);
    }
    const work = this.#work();
    this.#wake();
    return work;
  }

  async #sendOrder() {
    this.#isBusy = true;
    const order = (this.#orderUnderWay = this.#orders.shift());
    this.#report();
    const response = await this.#sender.sendOrder(order);
    this.#isBusy = false;
    this.#orderUnderWay = null;
    if (isSuccess(response.status)) return this.#succeed();
    this.#orders.unshift(order);
    this.#fail(response);
  }

  #succeed() {
    this.#failures = 0;
    this.#sending.clear();
    const work = this.#work();
    this.#wake();
    return work;
  }

  #wake() {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }

  #fail(response) {
    const refusal = refusalOf(response);
    this.#failures += 1;
    // An order that will not succeed is given up, with those that were meant to follow it.
    const waitsForPerson = refusal === Refusal.PERSON && !response.problem;
    if (refusal !== Refusal.PASSING && !waitsForPerson) this.#orders.length = 0;
    this.#wake();
    // Others may have answered the same meanwhile: look before sending again.
    if (response.status === 0) this.#newestVersion = Infinity;
    this.#view.showFailure(response, () => this.retryNow());
    for (const path of this.#waiting.keys()) this.#view.showField(path, "failed");
    if (refusal !== Refusal.PASSING) return;
    const pause = Math.max(response.wait ?? 0, Math.min(LONGEST_PAUSE, 1_000 * 2 ** this.#failures));
    this.#retry = this.#timers.setTimeout(() => this.#work(), pause);
  }
}
