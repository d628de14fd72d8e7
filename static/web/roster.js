/* Who else is at a form, without a page. A person with several sockets counts once. */

import { say } from "./words.js";

// Guests learn of others by name alone.
const keyOf = (person) => `${person.type}:${person.id || person.name}`;

export class Roster {
  #people = new Map(); // socket -> person
  #me = ""; // key of the person at this page

  /** Replace everybody by `people`; the page's own socket is `own`. */
  replace(people, own) {
    this.#people = new Map(people.map((person) => [person.socket, person]));
    if (this.#people.has(own)) this.#me = keyOf(this.#people.get(own));
  }

  /**
   * Note that `person` "joined", "moved" or "left"; return the sentence that announces it, "" if nobody came or
   * went.
   */
  note(event, person) {
    const key = keyOf(person);
    const wasHere = this.#has(key);
    if (event === "left") this.#people.delete(person.socket);
    else this.#people.set(person.socket, person);
    if (key === this.#me) return "";
    if (event === "joined" && !wasHere) return say("{name} is here.", { name: person.name });
    return event === "left" && !this.#has(key) ? say("{name} has left.", { name: person.name }) : "";
  }

  /** Return the names of the others, one for each person. */
  names() {
    return [...new Map(this.#others().map((person) => [keyOf(person), person.name])).values()];
  }

  /** Return path -> names of the others whose focus is there. */
  places() {
    const places = new Map();
    for (const { path, name } of this.#others()) {
      if (path) places.set(path, [...new Set([...(places.get(path) ?? []), name])]);
    }
    return places;
  }

  #others() {
    return [...this.#people.values()].filter((person) => keyOf(person) !== this.#me);
  }

  #has(key) {
    return this.#others().some((person) => keyOf(person) === key);
  }
}

/** Return up to two capital letters for `name`. */
export function initials(name) {
  const words = name.split(/[\s.@]+/).filter(Boolean);
  return words
    .slice(0, 2)
    .map((word) => word[0].toUpperCase())
    .join("");
}
