// <desk-undo>: walks back. What was skipped, held or passed on last comes back, else the newest decision that still can be
// taken back, or the one whose button was pressed; else the way leads to the correction of the newest, or the one before.
customElements.define("desk-undo", class extends HTMLElement {
  connectedCallback() {
    this.click = (event) => event.target.closest?.("[data-undo]") && this.undo();
    this.submit = (event) => {
      if (!event.target.closest(".rail") || !this.desk) return;
      event.preventDefault();
      this.undo(event.target);
    };
    document.addEventListener("click", this.click);
    document.addEventListener("submit", this.submit);
    document.addEventListener("card-put-off", ({detail}) => { this.putOff = detail; });
    document.addEventListener("card-sent", () => { this.putOff = null; });
    document.addEventListener("card-rail", () => this.list());
  }

  disconnectedCallback() {
    document.removeEventListener("click", this.click);
    document.removeEventListener("submit", this.submit);
  }

  get desk() { return document.querySelector("review-desk"); }

  async undo(form) {
    const line = document.querySelector("send-line");
    if (this.isBusy) return;
    if (!this.desk) {
      this.walk();
      return;
    }
    this.isBusy = true;
    // What was decided a moment ago may still be on its way, and the rail with it.
    while (line.waiting) await line.idle();
    const found = form ?? [...document.querySelectorAll(".rail [data-undo-seconds] form")].at(-1);
    if (!form && this.putOff) await this.send(`${this.putOff.url}take/`, new FormData(document.querySelector(".bench > .item form")), line);
    else if (found) await this.send(found.getAttribute("action"), new FormData(found), line);
    else this.walk();
    this.isBusy = false;
  }

  // A row that is open to be corrected is the place to go back from.
  walk() {
    const rows = [...document.querySelectorAll(".rail ol > li")];
    const here = rows.findIndex((row) => row.ariaCurrent === "true");
    const link = rows.slice(0, here < 0 ? rows.length : here).map((row) => row.querySelector("a[data-correct]")).findLast(Boolean);
    if (link) link.click();
    else this.say("There is nothing to take back.");
  }

  async send(url, data, line) {
    const answer = await line.post(url, data);
    this.putOff = null;
    const back = answer.page.querySelector("[data-back]");
    if (!back) return this.tell("card-refused", answer);
    this.desk.back([...back.children]);
    const of = document.querySelector(".bench > .item");
    this.tell("card-rail", {rail: answer.page.querySelector(".rail"), of, isBack: true});
    return this.say("Taken back: the item is in your hands again.");
  }

  // What was put off stands in the rail, where decisions do, until something newer can be undone.
  list() {
    if (!this.putOff) return;
    const [row, word] = [document.createElement("li"), document.createElement("span")];
    word.textContent = this.putOff.word;
    const button = document.querySelector(".verdicts [data-undo]").cloneNode(true);
    button.removeAttribute("data-key");
    button.setAttribute("aria-label", `Take back: ${this.putOff.word}`);
    button.replaceChildren(button.querySelector("kbd"));
    row.append(word, button);
    document.querySelector(".rail ol > [aria-current]")?.before(row);
  }

  say(words) { document.querySelector("[data-says]").textContent = words; }
  tell(name, detail) { this.dispatchEvent(new CustomEvent(name, {bubbles: true, detail})); }
});
