// Which part of a picture is taken: a dialog with Cropper.js, fetched when the first picture is chosen.
// The server cuts the file itself; all it is told are the sides of the part, as shares of the picture.

const MOST_PIXELS = 1600; // of a side of what is shown: a photo as cameras write it would be slow
const STEP = 8;

let fetched;

function withCropper(dialog) {
  fetched ??= (async () => {
    const styles = document.createElement("link");
    styles.rel = "stylesheet";
    styles.href = dialog.dataset.styles;
    document.head.append(styles);
    await import(dialog.dataset.script);
    return globalThis.Cropper;
  })();
  return fetched;
}

// The picture as a browser turns it, small enough to be drawn at once.
async function shown(file) {
  const picture = await createImageBitmap(file);
  const by = Math.min(1, MOST_PIXELS / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * by));
  canvas.height = Math.max(1, Math.round(picture.height * by));
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  const image = document.createElement("img");
  image.alt = "";
  image.src = canvas.toDataURL("image/png");
  await image.decode();
  return image;
}

// Ask for a part of the file: its sides, "" for the whole picture, null for none of it.
export async function ask(dialog, file, frame) {
  const [Cropper, image] = await Promise.all([withCropper(dialog), shown(file)]);
  const place = dialog.querySelector(".k-crop-frame");
  place.replaceChildren(image);
  dialog.showModal();
  const cropper = new Cropper(image, {
    aspectRatio: frame,
    autoCropArea: 1,
    checkOrientation: false,
    guides: false,
    movable: false,
    rotatable: false,
    scalable: false,
    viewMode: 1,
    zoomable: false,
  });
  const steer = (event) => steered(cropper, event);
  place.addEventListener("keydown", steer);
  place.focus();
  const taken = await answered(dialog);
  place.removeEventListener("keydown", steer);
  const part = cropper.getData();
  cropper.destroy();
  place.replaceChildren();
  if (taken !== "part") return taken === "whole" ? "" : null;
  const shares = [
    part.x / image.naturalWidth,
    part.y / image.naturalHeight,
    part.width / image.naturalWidth,
    part.height / image.naturalHeight,
  ];
  return shares.map((share) => Math.min(1, Math.max(0, share)).toFixed(6)).join(" ");
}

function answered(dialog) {
  return new Promise((resolve) => {
    const press = (event) => {
      const { takes } = event.target.closest("[data-takes]")?.dataset ?? {};
      if (takes) dialog.close(takes);
    };
    dialog.returnValue = "";
    dialog.addEventListener("click", press);
    dialog.addEventListener(
      "close",
      () => {
        dialog.removeEventListener("click", press);
        resolve(dialog.returnValue);
      },
      { once: true },
    );
  });
}

function steered(cropper, event) {
  const box = cropper.getCropBoxData();
  const moves = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
  if (event.key in moves) {
    const [right, down] = moves[event.key];
    cropper.setCropBoxData({ left: box.left + right, top: box.top + down });
  } else if ("+=-".includes(event.key)) {
    cropper.setCropBoxData({ width: box.width + (event.key === "-" ? -STEP : STEP) });
  } else return;
  event.preventDefault();
}
