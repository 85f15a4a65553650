// <desk-pace>: a calm word when most of the last ten went faster than they can be read, and after every fifty minutes;
// never more than one in ten decisions. B blurs pictures that hurt to look at, for as long as this tab is open.
customElements.define("desk-pace", class extends HTMLElement {
  connectedCallback() {
    this.needed = new Map();
    this.quick = [];
    this.since = 10;
    const on = {"card-shown": () => this.shown(), "card-sent": ({detail}) => this.sent(detail), click: (event) => this.blur(event)};
    for (const [name, does] of Object.entries(on)) document.addEventListener(name, does);
    this.shown();
  }

  shown() {
    const item = document.querySelector(".bench > .item");
    // A practised reader who skims takes some sixty milliseconds a word, and hardly half a second to see anything at all.
    const texts = item.querySelectorAll(".passage, .said, .arguments dd, .ledger td");
    const words = [...texts].reduce((count, each) => count + each.textContent.split(/\s+/).filter(Boolean).length, 0);
    this.needed.set(item.dataset.card, 450 + 60 * words);
    document.querySelector("[data-blur]")?.setAttribute("aria-pressed", String("blurred" in document.documentElement.dataset));
    this.rest();
  }

  sent({of, took}) {
    this.quick = [...this.quick, took < this.needed.get(of)].slice(-10);
    this.needed.delete(of);
    this.since += 1;
    if (this.since < 10 || this.quick.length < 10 || this.quick.filter(Boolean).length < 6) return;
    this.quick = [];
    this.say("The last ones went faster than they can be read. Take the time you need: nobody is counting.");
  }

  rest() {
    const sat = Number(document.querySelector(".rail")?.dataset.sat ?? 0);
    if (sat < 3000 || Date.now() - Number(kept((tab) => tab.getItem("rested")) ?? 0) < 3000000) return;
    kept((tab) => tab.setItem("rested", String(Date.now())));
    this.say(`You have been at it for ${Math.floor(sat / 60)} minutes. A short break keeps the eye sharp; the queue waits.`);
  }

  blur(event) {
    const button = event.target.closest?.("[data-blur]");
    if (!button) return;
    const isOn = document.documentElement.toggleAttribute("data-blurred");
    button.setAttribute("aria-pressed", String(isOn));
    kept((tab) => isOn ? tab.setItem("blurred", "yes") : tab.removeItem("blurred"));
    document.querySelector("[data-says]").textContent = isOn ? "Pictures are blurred." : "Pictures are sharp.";
  }

  say(words) {
    this.since = 0;
    this.textContent = words;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.replaceChildren(), 15000);
  }
});

// A browser that keeps nothing forgets with the page.
function kept(use) {
  try {
    return use(sessionStorage);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    return null;
  }
}
