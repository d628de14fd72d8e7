/* One field of the form page: where it is and what it contains. Changes nothing. */

import { codeOf } from "./choice-search.js";
import { say } from "./words.js";

const ROW_ID = /-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:-|$)/g;

export const idOf = (path) => path.replaceAll("/", "-");
/** Return the path whose `idOf` is `id`. */
export const pathOf = (id) => id.replace(ROW_ID, "/$1/").replace(/\/$/, "");
export const fieldAt = (path) => document.getElementById(`f-${idOf(path)}`);
export const rowAt = (path) => document.getElementById(`r-${idOf(path)}`);
export const fieldOf = (element) => element.closest(".field[data-path]");
export const controlsOf = (field) => [...field.querySelectorAll(":is(input, select, textarea):not([data-picker])")];
export const isMasked = (field) => field.hasAttribute("data-masked");
export const labelOf = (field) => field.querySelector("legend, label").firstChild.textContent.trim();

/** Return the answer in `field` as the server takes it. */
export function valueOf(field) {
  const controls = controlsOf(field);
  if (field.dataset.widget === "checks") {
    return controls.filter((box) => box.checked && !("gone" in box.dataset)).map((box) => box.value);
  }
  if (field.dataset.widget === "segments") return controls.find((radio) => radio.checked)?.value ?? null;
  const [control] = controls;
  if (field.dataset.widget === "combobox") return control.dataset.value ?? codeOf(choicesOf(field), control.value);
  return control.dataset.value ?? control.value;
}

/** Return the choices of a combobox as `{ code, label }`. */
export function choicesOf(field) {
  const options = [...field.querySelectorAll("datalist option")];
  return options.map((option) => ({ code: option.value, label: option.textContent }));
}

/** Return the answer in `field` in the words of the page. */
export function textOf(field) {
  if (isMasked(field)) return say("an answer that is not shown");
  const controls = controlsOf(field);
  if (["checks", "segments"].includes(field.dataset.widget)) {
    const chosen = controls.filter((control) => control.checked);
    return chosen.map((control) => control.nextElementSibling.textContent).join(", ") || say("no answer");
  }
  const [control] = controls;
  return (control.matches("select") ? control.selectedOptions[0]?.textContent : control.value) || say("no answer");
}

/** Return whether the text of `control` differs from the saved one; choices have no text and always differ. */
export const isChanged = (control) =>
  control.matches("input, textarea") ? control.value !== control.defaultValue : true;

/** Return the name of `field`, in a row with the row's title. */
export function nameOf(field) {
  const row = field.closest(".row")?.querySelector(".row-head h3");
  return row ? `${labelOf(field)} (${row.textContent.trim()})` : labelOf(field);
}

/** Focus the first control of the field at `path`, if it is on the page. */
export function focusField(path) {
  fieldAt(path)?.querySelector("input, select, textarea")?.focus({ preventScroll: true });
}
