// What the pages cannot do without a script: keys that lead somewhere, menus that close.

const search = document.querySelector("[data-search]");
const isTyping = (element) => element.closest("input, textarea, select, [contenteditable]") !== null;

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") closeMenus(null, true);
  if (isSearchKey(event) && search?.checkVisibility()) {
    event.preventDefault();
    search.select();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  if (event.code === "KeyJ") step(1);
  if (event.code === "KeyK") step(-1);
});

document.addEventListener("click", (event) => closeMenus(event.target.closest("details.k-drop")));

// Keys are known by their place: a Russian keyboard has other letters there.
function isSearchKey(event) {
  if (event.ctrlKey || event.metaKey) return event.code === "KeyK";
  const isSlash = event.key === "/" || (event.code === "Slash" && !event.shiftKey);
  return isSlash && !event.altKey && !isTyping(event.target);
}

function closeMenus(except, giveBack = false) {
  for (const menu of document.querySelectorAll("details.k-drop[open]")) {
    if (menu === except) continue;
    const hadFocus = menu.contains(document.activeElement);
    menu.open = false;
    if (giveBack && hadFocus) menu.querySelector("summary").focus();
  }
}

// A button that copies what stands in the field of this id, and says so.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).value);
  button.querySelector("span").textContent = button.dataset.copied;
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) print();
});

// What a page fetches by itself is no sign that somebody is there: a session ends all the same.
document.addEventListener("htmx:configRequest", (event) => {
  if (!event.detail.triggeringEvent) event.detail.headers["X-Background"] = "yes";
});

// From row to row of a list.
function step(by) {
  const links = [...document.querySelectorAll(".k-row-link")];
  const here = links.indexOf(document.activeElement);
  links[here < 0 && by < 0 ? links.length - 1 : Math.min(Math.max(here + by, 0), links.length - 1)]?.focus();
}
