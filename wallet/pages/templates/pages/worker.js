// Shows the card without a network: its page as it was when it was last open, and what it is drawn with.
// Nothing else is kept, and nothing at all once the card is gone.

const CARD = {{ card | tojson }};
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
  if (request.mode === "navigate" && url.pathname === CARD) event.respondWith(page(request));
  else if (DRAWN_WITH.test(url.pathname)) event.respondWith(file(request));
});

async function page(request) {
  try {
    const answer = await fetch(request);
    if (GONE.includes(answer.status)) await forget();
    else if (answer.ok && !answer.redirected) await keep(CARD, answer.clone());
    return answer;
  } catch (trouble) {
    return (await kept(CARD)) ?? Promise.reject(trouble);
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
