/* The saves of one copy that this page can take back, and those that it can do again. Pure. */

const MOST = 100;

function push(saves, save) {
  saves.push(save);
  if (saves.length > MOST) saves.shift();
}

export class UndoHistory {
  #undo = []; // saves as { before, version }, the latest last
  #redo = [];

  /** Note a save of the page: that of an undo is what a redo takes back, any other ends what can be done again. */
  note(save, { isUndo = false, isRedo = false } = {}) {
    if (isUndo) return push(this.#redo, save);
    if (!isRedo) this.#redo.length = 0;
    push(this.#undo, save);
  }

  /** Return the latest save, undefined without one. */
  get latest() {
    return this.#undo.at(-1);
  }

  /** Take out the latest save, or the one that followed the version `before`; undefined if it is not there. */
  takeUndo(before = this.latest?.before) {
    const place = this.#undo.findLastIndex((save) => save.before === before);
    return place < 0 ? undefined : this.#undo.splice(place, 1)[0];
  }

  /** Take out the latest save of an undo, undefined without one. */
  takeRedo() {
    return this.#redo.pop();
  }
}
