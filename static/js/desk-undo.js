// <desk-undo>: takes the newest decision back that still can be, or the one whose button was pressed in the rail.
customElements.define("desk-undo", class extends HTMLElement {
  connectedCallback() {
    this.click = (event) => event.target.closest?.("[data-undo]") && this.undo();
    this.submit = (event) => {
      if (!event.target.closest(".rail")) return;
      event.preventDefault();
      this.undo(event.target);
    };
    document.addEventListener("click", this.click);
    document.addEventListener("submit", this.submit);
  }

  disconnectedCallback() {
    document.removeEventListener("click", this.click);
    document.removeEventListener("submit", this.submit);
  }

  async undo(form) {
    const line = document.querySelector("send-line");
    if (this.isBusy) return;
    this.isBusy = true;
    // What was decided a moment ago may still be on its way, and the rail with it.
    while (line.waiting) await line.idle();
    const found = form ?? [...document.querySelectorAll(".rail [data-undo-seconds] form")].at(-1);
    if (found) await this.send(found, line);
    else this.say("There is nothing to take back.");
    this.isBusy = false;
  }

  async send(form, line) {
    const answer = await line.post(form.getAttribute("action"), new FormData(form));
    const back = answer.page.querySelector("[data-back]");
    if (!back) return this.tell("card-refused", answer);
    document.querySelector("review-desk").back([...back.children]);
    const of = document.querySelector(".bench > .item");
    this.tell("card-rail", {rail: answer.page.querySelector(".rail"), of, isBack: true});
    return this.say("Taken back: the item is in your hands again.");
  }

  say(words) { document.querySelector("[data-says]").textContent = words; }
  tell(name, detail) { this.dispatchEvent(new CustomEvent(name, {bubbles: true, detail})); }
});
