/* The banner of the form page: offline, signed out, ended, new questions. */

import { fillSlots } from "./page-templates.js";

const banner = document.getElementById("banner");

export const isOfflineShown = () => banner.dataset.state === "offline" && banner.childElementCount > 0;

/**
 * Show the content of `<template id="NAME-banner-template">` with `texts` in its slots; `state` is "offline" or
 * "news".
 */
export function showBanner(name, { texts = {}, state = "offline" } = {}) {
  const template = document.getElementById(`${name}-banner-template`);
  banner.dataset.state = state;
  banner.replaceChildren(template.content.cloneNode(true));
  fillSlots(banner, texts);
}

export function clearBanner() {
  banner.dataset.state = "offline";
  banner.replaceChildren();
}
