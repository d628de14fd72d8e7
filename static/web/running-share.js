/* How much of a person's running operations is done. */

const ENDED = new Set(["completed", "partial", "cancelled"]);

/** The operations that one connection reported, with their share. */
export class RunningShare {
  #frames = new Map(); // operation -> its last frame

  /** Note a frame. When the last operation has ended, all are forgotten. */
  note(frame) {
    this.#frames.set(frame.operation, frame);
    if (!this.number) this.#frames.clear();
  }

  clear() {
    this.#frames.clear();
  }

  /** How many operations have not ended. */
  get number() {
    return [...this.#frames.values()].filter(({ state }) => !ENDED.has(state)).length;
  }

  /** The share of ended items in percent, rounded down. Ended operations count until all have ended. */
  get percent() {
    let ended = 0;
    let total = 0;
    for (const { counts } of this.#frames.values()) {
      total += counts.total;
      ended += counts.completed + counts.failed + counts.cancelled;
    }
    return total ? Math.floor((100 * ended) / total) : 0;
  }

  /** Both in words, such as "2 operations, 45 percent". */
  get words() {
    return `${this.number} ${this.number === 1 ? "operation" : "operations"}, ${this.percent} percent`;
  }
}
