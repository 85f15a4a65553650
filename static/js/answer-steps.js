// <answer-steps>: opens what a verdict needs before it can be sent (a correction, a reason), and holds the verdict back
// until then. Esc closes again. Ctrl+Enter, and Enter among the reasons, send.
customElements.define("answer-steps", class extends HTMLElement {
  connectedCallback() {
    document.addEventListener("click", (event) => this.opens(event), true);
    document.addEventListener("submit", (event) => this.holds(event), true);
    document.addEventListener("card-shown", () => this.forget());
  }

  // The part whose keys count first, while it asks.
  get asking() {
    const hold = this.part("hold");
    if (hold && !hold.hasAttribute("data-closed")) return "hold";
    return this.held ? "reasons" : "";
  }

  part(name) {
    return document.querySelector(`.bench > [data-card] [data-part="${name}"]`);
  }

  opens(event) {
    const button = event.target.closest?.("[data-opens]");
    if (!button) return;
    const part = this.part(button.dataset.opens);
    const isLink = button.matches("a");
    if (!part || (!isLink && !part.hasAttribute("data-closed"))) return;
    event.preventDefault();
    event.stopPropagation();
    part.removeAttribute("data-closed");
    if (isLink) part.scrollIntoView({block: "nearest"});
    // Among a few answers nothing opens: the mark lets the style sheet show what to press.
    button.setAttribute(isLink ? "data-asked" : "aria-expanded", "true");
    part.querySelector("input:checked, input:not([type=hidden]), textarea, select:not([hidden]), [name=alternative], [name=answer], [name=until]")?.focus();
  }

  holds(event) {
    const {target: form, submitter} = event;
    if (!form.id?.startsWith("decide-") || submitter?.hasAttribute("formaction")) return;
    const verdict = submitter?.name === "verdict" ? submitter.value : form.hasAttribute("data-blind") ? "" : "override";
    const data = new FormData(form);
    // A rejection or a button with an answer of its own sends nothing of the form.
    const wrong = submitter?.matches('[value="override"], [value="answer"]') && [...document.querySelectorAll(".bench > .side ask-field")].find((field) => field.check());
    const part = this.part("reasons");
    if (!wrong && (!part || !verdict || data.getAll("reasons").length || !form.dataset.reasonFor.split(" ").includes(verdict))) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (wrong) {
      wrong.querySelector('[aria-invalid="true"]').focus();
      return;
    }
    this.held = submitter;
    part.removeAttribute("data-closed");
    submitter.setAttribute("aria-expanded", "true");
    part.scrollIntoView({block: "nearest"});
    part.querySelector("input, textarea").focus();
    document.querySelector("[data-says]").textContent = `A reason is needed to ${verdict}. Choose one, then press Enter.`;
  }

  // Sends what is open: the verdict that was held back, else the correction. False when there is nothing of the kind.
  send() {
    const answer = this.part("answer");
    const open = answer && !answer.hasAttribute("data-closed") && answer.querySelector(".fields");
    const button = this.held ?? (open && document.querySelector('.verdicts [value="override"], .verdicts [value="answer"]'));
    if (!button) return false;
    button.form.requestSubmit(button);
    return true;
  }

  close() {
    for (const part of document.querySelectorAll(".bench > [data-card] [data-part]")) {
      if (part.dataset.part === "reasons" || document.querySelector('.verdicts [data-opens][aria-expanded="true"]')) part.dataset.closed = "";
    }
    for (const button of document.querySelectorAll("[data-card] [aria-expanded], [data-card] [data-asked]")) ["aria-expanded", "data-asked"].forEach((name) => button.removeAttribute(name));
    this.forget();
    document.querySelector(".bench > .item h1")?.focus();
  }

  forget() { this.held = null; }
});
