// <next-card>: keeps the next card ready, out of sight, under a soft claim that ends after a minute and is given up when
// the page is left. `take()` hands the card over; `ask()` brings another one, and the rail.
customElements.define("next-card", class extends HTMLElement {
  connectedCallback() {
    this.leave = () => this.giveUp();
    this.look = () => {
      if (document.visibilityState === "visible" && !this.nodes && this.wasReady) this.ask();
    };
    window.addEventListener("pagehide", this.leave);
    document.addEventListener("visibilitychange", this.look);
    customElements.whenDefined("send-line").then(() => this.ask());
  }

  disconnectedCallback() {
    window.removeEventListener("pagehide", this.leave);
    document.removeEventListener("visibilitychange", this.look);
    clearTimeout(this.timer);
  }

  get shown() {
    return document.querySelector(".bench > .item");
  }

  // Says which card is on the screen, so that it is in hand from now on.
  async ask() {
    const shown = this.shown;
    if (!shown) return;
    const data = new FormData(shown.querySelector("form"));
    data.set("shown", shown.dataset.card);
    const {status, page} = await document.querySelector("send-line").post(this.dataset.url, data);
    if (status !== 200) {
      this.dispatchEvent(new CustomEvent("card-refused", {bubbles: true, detail: {page, status}}));
      return;
    }
    const ahead = page.querySelector("[data-ahead]");
    if (ahead && !this.nodes && ahead.firstElementChild.dataset.card !== this.shown?.dataset.card) this.keep([...ahead.children]);
    this.dispatchEvent(new CustomEvent("card-rail", {bubbles: true, detail: {rail: page.querySelector(".rail"), of: shown}}));
  }

  keep(nodes) {
    this.nodes = nodes.map((node) => document.importNode(node, true));
    this.wasReady = true;
    this.until = Date.now() + Number(nodes[0].dataset.seconds) * 1000 - 1500;
    this.dataset.ready = nodes[0].dataset.card;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.drop();
      setTimeout(() => this.look(), 2000);
    }, this.until - Date.now());
    this.dispatchEvent(new CustomEvent("card-ready", {bubbles: true}));
  }

  take() {
    const nodes = this.nodes && Date.now() < this.until ? this.nodes : null;
    this.drop();
    return nodes;
  }

  drop() {
    this.nodes = null;
    delete this.dataset.ready;
    clearTimeout(this.timer);
  }

  giveUp() {
    if (!this.nodes) return;
    navigator.sendBeacon(`${this.nodes[0].dataset.url}release/`, new FormData(this.nodes[0].querySelector("form")));
    this.drop();
  }
});
