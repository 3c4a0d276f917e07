// Shows the card and its coupons without a network: their pages as they were when they were last open, and
// what these are drawn with. Nothing else is kept, and nothing at all once the card is gone.

const CARD = {{ card | tojson }};
// The card, and the coupons that were opened from it.
const IS_SHOWN = new RegExp(`^${CARD.replaceAll(".", "\\.")}(/offers/[^/]+)?$`);
const KEPT = `card ${CARD}`;
const GONE = [403, 404, 410];
let isGone = false;
const DRAWN_WITH = /^\/(static|designs|badges)\//;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate" && IS_SHOWN.test(url.pathname)) event.respondWith(page(request));
  else if (DRAWN_WITH.test(url.pathname)) event.respondWith(file(request));
});

async function page(request) {
  const url = new URL(request.url);
  try {
    const answer = await fetch(request);
    if (GONE.includes(answer.status)) await forget();
    else if (answer.ok && !answer.redirected) await keep(url.pathname, answer.clone());
    return answer;
  } catch (trouble) {
    return (await kept(url.pathname)) ?? Promise.reject(trouble);
  }
}

async function file(request) {
  try {
    const answer = await fetch(request);
    if (answer.ok) await keep(request, answer.clone());
    return answer;
  } catch (trouble) {
    return (await kept(request)) ?? Promise.reject(trouble);
  }
}

async function keep(name, answer) {
  if (isGone) return;
  const cache = await caches.open(KEPT);
  await cache.put(name, answer);
}

async function kept(name) {
  const cache = await caches.open(KEPT);
  return cache.match(name);
}

async function forget() {
  isGone = true;
  await caches.delete(KEPT);
  await self.registration.unregister();
}
