// Keeps an open card true: asks every few seconds what it shows now, and changes what differs. Keeps the
// screen of a phone awake while the card is looked at, and has the page shown without a network, too.

import { keepAwake } from "./awake.js";

const EVERY_MS = 3000;
const SELDOM_MS = 30000; // while there is no answer

const page = document.querySelector("[data-state]");
const offers = page.querySelector(".offers");
const offline = page.querySelector(".offline");
const spend = page.querySelector(".spend");

let etag = `"${page.dataset.etag}"`;
let wait = EVERY_MS;
let timer;

async function look() {
  clearTimeout(timer);
  if (document.hidden) return;
  try {
    const answer = await fetch(page.dataset.state, {
      headers: { "If-None-Match": etag },
      cache: "no-store",
    });
    if ([403, 404, 410].includes(answer.status)) {
      location.reload(); // the card is gone or blocked: the page says which
      return;
    }
    if (answer.ok) {
      show(await answer.json());
      etag = answer.headers.get("ETag");
    }
    wait = answer.ok || answer.status === 304 ? EVERY_MS : SELDOM_MS;
    offline.hidden = true;
  } catch {
    wait = SELDOM_MS;
    offline.hidden = false;
    // A page of before may show a code that works no more. Whether it does is asked anew.
    spend.hidden = true;
    etag = "";
  }
  clearTimeout(timer);
  timer = setTimeout(look, wait);
}

function show(state) {
  if (state.confirmed && "unconfirmed" in page.dataset) {
    location.reload(); // there is nothing to accept any more
    return;
  }
  for (const place of page.querySelectorAll("[data-shows]")) {
    const text = state[place.dataset.shows];
    if (place.textContent === text) continue;
    place.textContent = text;
    if (place.dataset.shows === "points") {
      place.classList.toggle("long", text.length > 7 && text.length <= 12);
      place.classList.toggle("longest", text.length > 12);
      greet(place.parentElement);
    }
  }
  spend.hidden = state.spend_code === "";
  showOffers(state.offers);
}

// Offers that stay keep their place in the page, so that nobody's reading is disturbed.
function showOffers(wanted) {
  const list = offers.querySelector("ul");
  const known = new Map([...list.children].map((item) => [said(item), item]));
  const items = wanted.map((offer) => {
    const item = drawn(offer);
    const old = known.get(said(item));
    if (!old) greet(item);
    return old ?? item;
  });
  const same = items.length === known.size && items.every((item, i) => item === list.children[i]);
  if (!same) list.replaceChildren(...items);
  offers.hidden = items.length === 0;
}

function drawn(offer) {
  const item = document.createElement("li");
  item.className = "sheet";
  for (const [tag, name, text] of [
    ["h3", "", offer.title],
    ["p", "text", offer.text],
    ["p", "hint", offer.until],
    ["p", "hint", offer.note],
  ]) {
    const part = document.createElement(tag);
    part.className = name;
    part.textContent = text;
    item.append(part);
  }
  if (offer.url) item.append(leadingOn(offer));
  return item;
}

// To the coupon that there is, or the button that makes it.
function leadingOn(offer) {
  const button = document.createElement(offer.is_new ? "button" : "a");
  button.className = "button plain";
  button.textContent = offer.button;
  if (!offer.is_new) {
    button.setAttribute("href", offer.url);
    return button;
  }
  const form = document.createElement("form");
  form.method = "post";
  form.setAttribute("action", offer.url);
  form.append(button);
  return form;
}

// Two offers may have the same words; where they lead differs.
function said(item) {
  const leading = item.querySelector("a, form");
  const address = leading?.getAttribute("href") ?? leading?.getAttribute("action") ?? "";
  return `${item.textContent.trim()}\n${address}`;
}

function greet(element) {
  element.classList.remove("new");
  void element.offsetWidth; // without this, a second change in a row would not be animated
  element.classList.add("new");
}

// An iPad says that it is a Mac; only its touch points tell.
if (navigator.maxTouchPoints > 1 && navigator.userAgent.includes("Macintosh")) {
  page.dataset.device = "apple";
}

const { worker, scope } = page.dataset;
navigator.serviceWorker?.register(worker, { scope }).catch(() => {});

document.addEventListener("visibilitychange", look);
addEventListener("offline", look);
addEventListener("online", look);
keepAwake();
timer = setTimeout(look, navigator.onLine ? EVERY_MS : 0);
