// Passkeys. A form with `data-passkey` asks for a challenge first, turns to the device with it, and
// is sent with what the device answered.

const said = (name) => document.querySelector(`[data-passkey-${name}]`);

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential) {
    said("unknown")?.removeAttribute("hidden");
    continue;
  }
  // A passkey belongs to a name: 127.0.0.1 and localhost are two, and so are two addresses of a host.
  if (location.origin !== form.dataset.origin) {
    said("elsewhere")?.removeAttribute("hidden");
    continue;
  }
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (form.ariaBusy === "true") return;
    form.ariaBusy = "true";
    said("failed")?.setAttribute("hidden", "");
    try {
      const options = await ask(form);
      if (options === null) return;
      const credential = await navigator.credentials[form.dataset.passkey]({ publicKey: options });
      form.elements.answer.value = JSON.stringify(written(credential));
      form.submit();
    } catch (error) {
      // The standard lets a page know no more than that it came to nothing: the person may have
      // turned back, or waited too long, or have no passkey here.
      const why = error.name === "InvalidStateError" ? "known" : "failed";
      (said(why) ?? said("failed"))?.removeAttribute("hidden");
    } finally {
      form.ariaBusy = null;
    }
  });
}

// The options for the device. Null if something else is asked first: then we are on our way there.
async function ask(form) {
  const answer = await fetch(form.dataset.ask, {
    method: "POST",
    headers: { "X-CSRFToken": form.elements.csrf_token.value },
  });
  if (answer.redirected || !answer.headers.get("Content-Type")?.startsWith("application/json")) {
    location.assign(answer.redirected ? answer.url : location.href);
    return null;
  }
  const options = await answer.json();
  options.challenge = bytes(options.challenge);
  if (options.user) options.user.id = bytes(options.user.id);
  for (const one of options.excludeCredentials ?? []) one.id = bytes(one.id);
  for (const one of options.allowCredentials ?? []) one.id = bytes(one.id);
  return options;
}

// As the standard writes it (RegistrationResponseJSON, AuthenticationResponseJSON); browsers learned
// to do it themselves only lately.
function written(credential) {
  const { response } = credential;
  const parts = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
  return {
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    response: Object.fromEntries(
      parts.filter((name) => response[name]).map((name) => [name, text(response[name])]),
    ),
  };
}

function bytes(base64url) {
  const base64 = base64url.replaceAll("-", "+").replaceAll("_", "/");
  return Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));
}

function text(buffer) {
  const base64 = btoa(String.fromCharCode(...new Uint8Array(buffer)));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
