// Passkeys: asks the console what to ask the browser, asks the browser, and sends its answer as the form it belongs to.
// Without this the forms stay hidden, and password and code work as ever. Nothing is kept here.
"use strict";

{
  const fromText = (text) =>
    Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
  const toText = (bytes) =>
    btoa(String.fromCharCode(...new Uint8Array(bytes)))
      .replaceAll("+", "-")
      .replaceAll("/", "_")
      .replaceAll("=", "");
  const known = (all) => (all ?? []).map((one) => ({ ...one, id: fromText(one.id) }));

  const make = async (asked) => {
    const user = { ...asked.user, id: fromText(asked.user.id) };
    const excludeCredentials = known(asked.excludeCredentials);
    const publicKey = { ...asked, user, challenge: fromText(asked.challenge), excludeCredentials };
    const made = await navigator.credentials.create({ publicKey });
    return {
      id: made.id,
      rawId: made.id,
      type: made.type,
      response: {
        clientDataJSON: toText(made.response.clientDataJSON),
        attestationObject: toText(made.response.attestationObject),
        transports: made.response.getTransports?.() ?? [],
      },
    };
  };

  const prove = async (asked) => {
    const allowCredentials = known(asked.allowCredentials);
    const publicKey = { ...asked, challenge: fromText(asked.challenge), allowCredentials };
    const shown = await navigator.credentials.get({ publicKey });
    const { clientDataJSON, authenticatorData, signature, userHandle } = shown.response;
    return {
      id: shown.id,
      rawId: shown.id,
      type: shown.type,
      response: {
        clientDataJSON: toText(clientDataJSON),
        authenticatorData: toText(authenticatorData),
        signature: toText(signature),
        userHandle: userHandle ? toText(userHandle) : null,
      },
    };
  };

  // Forms appear, and their excuse goes, where the browser knows passkeys.
  const appear = () => {
    if (!window.PublicKeyCredential || !navigator.credentials) return;
    for (const form of document.querySelectorAll("form[data-passkey][hidden]")) form.hidden = false;
    for (const excuse of document.querySelectorAll("[data-no-passkey]")) excuse.hidden = true;
  };
  document.addEventListener("DOMContentLoaded", appear);
  document.addEventListener("htmx:after:swap", appear);

  const say = (form, text) => {
    const said = form.querySelector("[data-said-here]");
    if (!said) return;
    said.textContent = text ?? "";
    said.hidden = !text;
  };

  const ask = async (form) => {
    const words = form.dataset;
    const answer = await fetch(words.begin, {
      method: "POST",
      headers: { accept: "application/json" },
      body: new URLSearchParams(new FormData(form)),
      redirect: "error",
    });
    const asked = await answer.json();
    if (!answer.ok) return say(form, asked.wrong ?? words.failed);
    try {
      const given = await (words.passkey === "new" ? make(asked) : prove(asked));
      form.elements.answer.value = JSON.stringify(given);
    } catch (error) {
      const reasons = { InvalidStateError: words.there, NotAllowedError: words.given, AbortError: words.given };
      return say(form, reasons[error.name] ?? words.failed);
    }
    // It was shown with the question; the answer needs it no more.
    if (form.elements.password) form.elements.password.value = "";
    form.submit();
  };

  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-passkey]");
    if (!form) return;
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    say(form, "");
    ask(form)
      .catch(() => say(form, form.dataset.failed))
      .finally(() => (button.disabled = false));
  });
}
