// Search, and details that open when an address leads into them. Without it all can be read.
"use strict";

const search = document.getElementById("search");
const found = document.getElementById("found");
const parts = [...document.querySelectorAll("[data-find]")].map((part) => {
  // All that is said of it; examples and lists of codes are not.
  const said = [...part.querySelectorAll("summary, h3 code, p, .manners")];
  const words = [part.dataset.find, ...said.map((one) => one.textContent)];
  return { part, words: words.join(" ").toLowerCase() };
});

function filter() {
  const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const { part, words } of parts) {
    const fits = wanted.every((word) => words.includes(word));
    part.hidden = !fits;
    count += fits;
  }
  for (const group of document.querySelectorAll("[data-group]")) {
    group.hidden = wanted.length > 0 && !group.querySelector("[data-find]:not([hidden])");
  }
  document.body.classList.toggle("searching", wanted.length > 0);
  found.textContent = wanted.length ? count || found.dataset.none : "";
}

function open() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  if (target.closest("[hidden]")) {
    search.value = "";
    filter();
  }
  if (target.tagName === "DETAILS") target.open = true;
  target.scrollIntoView();
}

if (parts.length) {
  search.closest(".search").hidden = false;
  search.addEventListener("input", filter);
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== search) {
      event.preventDefault();
      search.focus();
    } else if (event.key === "Escape" && document.activeElement === search) {
      search.value = "";
      filter();
    }
  });
}
window.addEventListener("hashchange", open);
open();
