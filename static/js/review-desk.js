// <review-desk>: a decision is sent without waiting and the next card is there at once. Each card carries its own item
// and token, so that nothing is ever decided but what was on the screen.
customElements.define("review-desk", class extends HTMLElement {
  connectedCallback() {
    this.shownAt = performance.now();
    document.addEventListener("submit", (event) => this.submit(event));
    document.addEventListener("card-ready", () => this.isWaiting && this.show(this.next.take()));
    window.addEventListener("pageshow", (event) => event.persisted && location.reload());
  }

  get next() { return document.querySelector("next-card"); }
  get line() { return document.querySelector("send-line"); }
  get bench() { return this.parentElement; }
  get card() { return [...this.bench.querySelectorAll(":scope > [data-card]")]; }

  async submit(event) {
    const {target: form, submitter} = event;
    if (!form.id.startsWith("decide-") || event.defaultPrevented) return;
    event.preventDefault();
    // A second press within a blink was meant for the card before.
    if (this.isWaiting || performance.now() - this.shownAt < 350) return;
    const data = new FormData(form, submitter);
    data.set("took_ms", String(Math.round(performance.now() - this.shownAt)));
    const [sent, coming] = [this.card, this.next.take()];
    if (coming) this.show(coming);
    else this.wait(true);
    this.say(submitter.dataset.done ?? "Sent.");
    const answer = await this.line.post(submitter.getAttribute("formaction") ?? form.getAttribute("action"), data);
    if (answer.status === 204) this.tell(submitter.hasAttribute("formaction") ? "card-put-off" : "card-sent", {of: sent[0].dataset.card, took: Number(data.get("took_ms")), url: sent[0].dataset.url, word: submitter.dataset.done});
    const again = [...answer.page.querySelectorAll("[data-card]")];
    if (answer.status !== 204 && answer.status !== 422) this.tell("card-refused", answer);
    if (answer.status === 422 && again.length) this.back(again);
    else if (answer.status !== 204 && answer.status !== 409) this.back(sent);
    else if (!this.isWaiting) this.next.ask();
    else if (answer.status === 204) this.goOn();
    else this.wait(false);
  }

  show(nodes) {
    const [old, problems] = [this.card, this.bench.querySelector(".problems")];
    const fresh = nodes.map((node) => document.importNode(node, true));
    problems.before(...fresh);
    for (const node of old) node.remove();
    this.wait(false);
    this.shownAt = performance.now();
    const [{dataset}, heading] = [fresh[0], fresh[0].querySelector("h1")];
    heading.focus({preventScroll: true});
    document.title = `${heading.textContent} · Countersign`;
    history.replaceState(null, "", dataset.url);
    const token = fresh[0].querySelector("[name=token]").value;
    document.querySelector("claim-clock").hold(`${dataset.url}renew/`, token, Number(dataset.seconds));
    this.tell("card-shown");
  }

  // A card comes back to the screen: the one that was there waits behind it.
  back(nodes) {
    if (!this.isWaiting && this.card[0].dataset.card !== nodes[0].dataset.card) this.next.keep(this.card);
    this.show(nodes);
    this.bench.querySelector(".side .refused")?.focus();
  }

  // Only when nothing waits any more: a decision that is still to be sent would make the browser ask whether to leave.
  async goOn() {
    while (this.line.waiting) await this.line.idle();
    if (!this.isWaiting || this.isLeaving) return;
    this.isLeaving = true;
    const form = Object.assign(document.createElement("form"), {method: "post", action: "/queue/next/", hidden: true});
    form.append(this.bench.querySelector("[name=csrfmiddlewaretoken]").cloneNode());
    document.body.appendChild(form).submit();
  }

  wait(isWaiting) {
    this.isWaiting = isWaiting;
    this.bench.setAttribute("aria-busy", String(isWaiting));
  }

  say(words) { this.bench.querySelector("[data-says]").textContent = words; }
  tell(name, detail) { this.dispatchEvent(new CustomEvent(name, {bubbles: true, detail})); }
});
