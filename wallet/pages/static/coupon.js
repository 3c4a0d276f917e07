// Keeps an open coupon true: asks every few seconds whether it is still what the page says, and shows the
// page anew if not. Keeps the screen of a phone awake while the coupon is looked at.

import { keepAwake } from "./awake.js";

const EVERY_MS = 3000;
const SELDOM_MS = 30000; // while there is no answer

const page = document.querySelector("[data-etag]");
const offline = page.querySelector(".offline");

let timer;

async function look() {
  clearTimeout(timer);
  if (document.hidden) return;
  let wait = EVERY_MS;
  try {
    const answer = await fetch(location.href, {
      headers: { "If-None-Match": `"${page.dataset.etag}"` },
      cache: "no-store",
    });
    if (answer.ok || [403, 404, 410].includes(answer.status)) {
      location.reload();
      return;
    }
    if (answer.status !== 304) wait = SELDOM_MS;
    offline.hidden = true;
  } catch {
    wait = SELDOM_MS;
    offline.hidden = false;
  }
  clearTimeout(timer);
  timer = setTimeout(look, wait);
}

document.addEventListener("visibilitychange", look);
addEventListener("offline", look);
addEventListener("online", look);
keepAwake();
timer = setTimeout(look, navigator.onLine ? EVERY_MS : 0);
