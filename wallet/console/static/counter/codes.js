// What a scanned code says, and whether it is genuine, as far as that can be told without a network:
// codes of the kind ed25519 alone (docs/codes.md). A check here takes nothing away from the server's.

const ED25519 = "962";
const CODES = /^(961|962|963)[0-9]{30,}$/;
const COUPON = /^964([0-9]{39})(.+)$/;
const CARD = /^[!-~]{4,32}$/;
const SIGNATURE = { digits: 155, bytes: 64 };

// `keys` is the answer of the programme's address for public keys, or null if it was never fetched.
// `what`: genuine, forged, unchecked, or alien for what is no card's. `card` is what a receipt names:
// the card's number where it is known for sure, else all that was read, so that the server can look.
// `number` is for eyes.
export async function check(text, keys) {
  const read = text.replace(/\s+/g, "");
  const code = COUPON.exec(read)?.[2] ?? read;
  if (!CODES.test(code)) return { what: CARD.test(code) ? "unchecked" : "alien", card: code, number: code };
  const parts = taken(code);
  if (!parts) return { what: "forged" };
  const unchecked = { what: "unchecked", card: code, number: parts.number };
  if (!code.startsWith(ED25519) || !keys) return unchecked;
  const genuine = await isSigned(parts, keys);
  if (genuine === null) return unchecked;
  return genuine ? { what: "genuine", card: parts.number, number: parts.number } : { what: "forged" };
}

// The parts of a code; null for what is not written exactly as codes are.
function taken(code) {
  const length = Number(code.slice(3, 5));
  const isDigits = length < 50;
  const written = code.slice(5, 5 + (isDigits ? length : 2 * (length - 50)));
  const number = isDigits ? written : written.replace(/../g, (two) => String.fromCharCode(33 + Number(two)));
  if (!CARD.test(number) || (!isDigits && /^[0-9]+$/.test(number))) return null;
  if (!code.startsWith(ED25519)) return { number };
  const body = code.slice(0, -SIGNATURE.digits);
  const signature = bytesOf(code.slice(-SIGNATURE.digits));
  const count = body.slice(5 + written.length);
  const isCounted = /^[1-9][1-9][0-9]*$/.test(count) && Number(count[0]) === count.length - 1;
  return isCounted && signature ? { number, body, signature } : null;
}

// The number that these decimal digits write, big-endian; null if it is too large.
function bytesOf(digits) {
  if (digits.length !== SIGNATURE.digits) return null;
  const hexadecimal = BigInt(digits).toString(16).padStart(2 * SIGNATURE.bytes, "0");
  return hexadecimal.length > 2 * SIGNATURE.bytes ? null : fromHex(hexadecimal);
}

function fromHex(text) {
  return Uint8Array.from(text.match(/../g), (two) => parseInt(two, 16));
}

// Null: this browser cannot tell.
async function isSigned({ body, signature }, { programme, keys }) {
  const message = new TextEncoder().encode(`kopilka card code\n${programme}\n${body}`);
  try {
    for (const { public_key: hexadecimal } of keys) {
      const key = await crypto.subtle.importKey("raw", fromHex(hexadecimal), { name: "Ed25519" }, false, ["verify"]);
      if (await crypto.subtle.verify({ name: "Ed25519" }, key, signature, message)) return true;
    }
    return false;
  } catch {
    return null;
  }
}
