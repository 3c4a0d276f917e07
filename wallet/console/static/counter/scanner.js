// Reads the codes of cards with the camera: QR, PDF417, Aztec, Code 128. The browser's own reader does
// it where there is one for all of them, else zxing, which is fetched at the first use.

const VENDOR = new URL("../vendor/zxing-wasm-3.1.6/", import.meta.url);
const NATIVE = ["qr_code", "pdf417", "aztec", "code_128"];
const ZXING = { formats: ["QRCode", "PDF417", "Aztec", "Code128"], maxNumberOfSymbols: 1, tryHarder: true };
const WIDEST = 960; // pixels that are looked at: a card that fills the picture has enough of them
const BREATH_MS = 60; // between two looks, for the page to go on
const CHOSEN = "kopilka.camera";

let reader;

export class Scanner {
  #video;
  #onCode;
  #stream = null;
  #turn = 0; // which start the running loop is of
  #picture = document.createElement("canvas");

  constructor(video, onCode) {
    this.#video = video;
    this.#onCode = onCode;
  }

  get isOn() {
    return this.#stream !== null;
  }

  // Opens the camera, and calls `onCode` with the first code that it sees; then it is off again. Throws
  // an error whose `why` is: insecure, refused, missing, taken, unreadable (no reader), broken.
  async start(camera = chosen()) {
    this.stop();
    const turn = ++this.#turn;
    if (!navigator.mediaDevices?.getUserMedia) throw troubled("insecure");
    const [stream, read] = await both(streamOf(camera), readerOf());
    if (turn !== this.#turn) {
      end(stream);
      return;
    }
    this.#stream = stream;
    this.#video.srcObject = stream;
    const [track] = stream.getVideoTracks();
    track.addEventListener("ended", () => turn === this.#turn && this.stop());
    remember(track.getSettings().deviceId);
    await this.#video.play().catch(() => {}); // it was stopped meanwhile
    this.#look(read, turn);
  }

  stop() {
    this.#turn++;
    end(this.#stream);
    this.#stream = null;
    this.#video.srcObject = null;
  }

  // The cameras there are, and which of them is open. Browsers name them only to who may use one.
  async cameras() {
    const all = await navigator.mediaDevices.enumerateDevices();
    const here = this.#track?.getSettings().deviceId;
    return all
      .filter(({ kind }) => kind === "videoinput")
      .map(({ deviceId, label }) => ({ id: deviceId, label, isHere: deviceId === here }));
  }

  get hasTorch() {
    return Boolean(this.#track?.getCapabilities?.().torch);
  }

  async light(isOn) {
    await this.#track?.applyConstraints({ advanced: [{ torch: isOn }] });
  }

  get #track() {
    return this.#stream?.getVideoTracks()[0];
  }

  async #look(read, turn) {
    while (turn === this.#turn) {
      const picture = this.#frame();
      const code = picture && (await read(picture).catch(() => null));
      if (turn !== this.#turn) return;
      if (code) {
        this.stop();
        this.#onCode(code);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, BREATH_MS));
    }
  }

  #frame() {
    const { videoWidth: width, videoHeight: height } = this.#video;
    if (!width || !height) return null; // nothing came yet
    const scale = Math.min(1, WIDEST / Math.max(width, height));
    this.#picture.width = Math.round(width * scale);
    this.#picture.height = Math.round(height * scale);
    const drawing = this.#picture.getContext("2d", { willReadFrequently: true });
    drawing.drawImage(this.#video, 0, 0, this.#picture.width, this.#picture.height);
    return drawing.getImageData(0, 0, this.#picture.width, this.#picture.height);
  }
}

const WHY = {
  NotAllowedError: "refused",
  SecurityError: "refused",
  NotFoundError: "missing",
  OverconstrainedError: "missing",
  NotReadableError: "taken",
  AbortError: "taken",
};

async function streamOf(camera) {
  const wanted = { width: { ideal: 1280 }, height: { ideal: 720 } };
  const one = camera ? { deviceId: { exact: camera } } : { facingMode: "environment" };
  try {
    return await navigator.mediaDevices.getUserMedia({ video: { ...wanted, ...one }, audio: false });
  } catch (trouble) {
    if (camera && WHY[trouble.name] === "missing") return streamOf(null); // it was unplugged
    throw troubled(WHY[trouble.name] ?? "broken");
  }
}

// What one of them opened is closed if the other fails.
async function both(stream, read) {
  const [opened, found] = await Promise.allSettled([stream, read]);
  if (opened.status === "rejected") throw opened.reason;
  if (found.status === "fulfilled") return [opened.value, found.value];
  end(opened.value);
  throw troubled("unreadable");
}

// A function that finds the text of a code in a picture. One that could not be fetched is tried again
// at the next use.
function readerOf() {
  reader ??= (isNative().then((native) => (native ? ownReader() : zxing()))).catch((trouble) => {
    reader = undefined;
    throw trouble;
  });
  return reader;
}

async function isNative() {
  const known = (await globalThis.BarcodeDetector?.getSupportedFormats?.().catch(() => [])) ?? [];
  return NATIVE.every((format) => known.includes(format));
}

function ownReader() {
  const detector = new BarcodeDetector({ formats: NATIVE });
  return async (picture) => (await detector.detect(picture))[0]?.rawValue || null;
}

async function zxing() {
  await script(new URL("zxing_reader.js", VENDOR));
  const { prepareZXingModule, readBarcodes } = globalThis.ZXingWASM;
  await prepareZXingModule({
    overrides: { locateFile: (file) => new URL(file, VENDOR).href },
    fireImmediately: true,
  });
  return async (picture) => (await readBarcodes(picture, ZXING)).find(({ isValid }) => isValid)?.text || null;
}

function script(address) {
  return new Promise((resolve, reject) => {
    const element = document.createElement("script");
    element.src = address.href;
    element.onload = resolve;
    element.onerror = () => {
      element.remove();
      reject(new Error(address.href));
    };
    document.head.append(element);
  });
}

function end(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

function troubled(why) {
  return Object.assign(new Error(why), { why });
}

function chosen() {
  try {
    return localStorage.getItem(CHOSEN);
  } catch {
    return null; // no leave to keep anything
  }
}

function remember(camera) {
  try {
    if (camera) localStorage.setItem(CHOSEN, camera);
  } catch {
    // As above.
  }
}
