/* Elements made from the page's own <template> elements, so that all markup stands in HTML. */

/** Write `texts` into the places of `element` that `data-slot` names. */
export function fillSlots(element, texts) {
  for (const [slot, text] of Object.entries(texts)) {
    const selector = `[data-slot="${slot}"]`;
    const places = [...element.querySelectorAll(selector)];
    if (element.matches(selector)) places.push(element);
    for (const place of places) place.textContent = text;
  }
}

/** Return a new element from `<template id="NAME-template">`, with `texts` in its slots. */
export function fromTemplate(name, texts = {}) {
  const element = document.getElementById(`${name}-template`).content.firstElementChild.cloneNode(true);
  fillSlots(element, texts);
  return element;
}
