// Nothing typed is lost when a session has ended before a form was sent, or the page was too old.
//
// What stands in the forms of a page is put by in this tab (sessionStorage) when one of them is sent.
// The next page tells what came of it. The door, and a page that says that something went wrong, say
// by `data-unsent` that it was not taken: then it is given back on the page of the form, to the same
// person. Any other page means that it was taken, and it is dropped.
//
// It stays in the browser: the server would have to keep what it refused, for somebody it does not
// know, and could show it only as names and values, while here it is back in its own form. Passwords
// and codes are never put by. What a form was opened with (its hidden revision) is given back too:
// whoever changed the same thing meanwhile is found out as ever.

const PLACE = "kopilka.unsent";
const SECRET = /password|one-time-code/;
const inside = document.getElementById("kept"); // its words, on pages for who is signed in
const here = location.pathname + location.search;

const told = document.querySelector("[data-unsent]");

let kept = read();
if (kept && told) {
  kept = { ...kept, unsent: true };
  write(kept);
}
if (kept && inside && (!kept.unsent || kept.reader !== inside.dataset.reader)) drop();
else if (kept?.unsent && inside && !told && kept.page === here) giveBack(kept);
else if (kept?.unsent) leadBack(kept.page);

function leadBack(page) {
  for (const next of document.querySelectorAll("input[name=next]")) next.value = page;
  for (const link of document.querySelectorAll("a[data-back]")) {
    link.href = page;
    link.hidden = false;
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.getAttribute("action")?.endsWith("/sign-out")) drop();
  else if (isPosted(form)) putBy();
}, { capture: true });

// Pieces of a page that htmx asks for tell the same by their headers. A piece that is only fetched may
// be the one that finds the session ended, while somebody types.
document.addEventListener("htmx:beforeOnLoad", (event) => {
  const { xhr, requestConfig } = event.detail;
  const leads = xhr.getResponseHeader("HX-Redirect");
  if (leads?.includes("/sign-in")) {
    putBy({ unsent: true });
  } else if (xhr.getResponseHeader("X-Form") === "outdated") {
    putBy({ unsent: true });
    location.reload();
  } else if (requestConfig.verb !== "get" && xhr.status < 400 && !leads && !read()?.unsent) {
    drop();
  }
});

function putBy(more = {}) {
  if (!inside) return;
  const forms = [...document.forms].map(taken).filter((form) => form.isTyped);
  if (forms.length) write({ page: here, reader: inside.dataset.reader, forms, ...more });
}

// Not `form.method`: that is a field, if a form has one of this name.
function isPosted(form) {
  return form.getAttribute("method")?.toLowerCase() === "post" || form.hasAttribute("hx-post");
}

function taken(form) {
  const fields = isPosted(form) ? [...form.elements].filter(isKept) : [];
  return {
    action: form.getAttribute("action") ?? "",
    isTyped: fields.some((field) => field.type !== "hidden"),
    fields: fields.map((field) => [field.name, valueOf(field)]),
  };
}

function isKept(field) {
  if (!field.name || field.name === "csrf_token" || field.disabled) return false;
  if (["password", "file", "submit", "button", "reset", "image"].includes(field.type)) return false;
  return field.matches("input, select, textarea")
    && !SECRET.test(field.autocomplete ?? "") && !field.matches("[data-secret]");
}

function valueOf(field) {
  if (field.type === "checkbox" || field.type === "radio") return field.checked ? field.value : null;
  if (field.type === "select-multiple") return [...field.selectedOptions].map((one) => one.value);
  return field.value;
}

function giveBack({ forms }) {
  let first = null;
  const left = [...forms];
  for (const form of document.forms) {
    const action = form.getAttribute("action") ?? "";
    const at = left.findIndex((one) => one.action === action);
    if (at < 0 || !isPosted(form)) continue;
    const [{ fields }] = left.splice(at, 1);
    if (fill(form, fields)) first ??= form;
  }
  drop();
  if (!first) return;
  const note = inside.content.cloneNode(true).firstElementChild;
  first.before(note);
  note.focus();
}

// Fields of one name follow each other as they did. Who listens to a field hears of it.
function fill(form, fields) {
  const values = new Map();
  for (const [name, value] of fields) values.set(name, [...(values.get(name) ?? []), value]);
  let changed = false;
  for (const field of [...form.elements].filter(isKept)) {
    const value = values.get(field.name)?.shift();
    if (value === undefined || JSON.stringify(value) === JSON.stringify(valueOf(field))) continue;
    set(field, value);
    if (field.type === "hidden") continue;
    changed = true;
    for (const kind of ["input", "change"]) field.dispatchEvent(new Event(kind, { bubbles: true }));
  }
  return changed;
}

function set(field, value) {
  if (field.type === "checkbox" || field.type === "radio") field.checked = value !== null;
  else if (Array.isArray(value)) {
    for (const one of field.options) one.selected = value.includes(one.value);
  } else field.value = value;
}

function read() {
  try {
    return JSON.parse(sessionStorage.getItem(PLACE));
  } catch {
    return null;
  }
}

function write(entry) {
  try {
    sessionStorage.setItem(PLACE, JSON.stringify(entry));
  } catch {
    // No room, or no leave to keep anything: then it is as it was without us.
  }
}

function drop() {
  try {
    sessionStorage.removeItem(PLACE);
  } catch {
    // As above.
  }
}
