// <claim-clock>: how long the item stays in hand, one step a second; renews the lease while somebody is looking.
customElements.define("claim-clock", class extends HTMLElement {
  connectedCallback() {
    this.beatEvery = 60000;
    this.hold(this.dataset.url, this.dataset.token, Number(this.dataset.seconds));
    this.timer = setInterval(() => this.tick(), 1000);
    this.back = () => this.beatIfDue();
    window.addEventListener("focus", this.back);
  }

  disconnectedCallback() {
    clearInterval(this.timer);
    window.removeEventListener("focus", this.back);
  }

  hold(url, token, seconds) {
    this.url = url;
    this.token = token;
    this.ends = Date.now() + seconds * 1000;
    this.whole = Math.max(seconds, 60);
    this.lastBeat = Date.now();
    this.isLost = false;
    this.draw();
  }

  tick() {
    this.draw();
    this.beatIfDue();
  }

  beatIfDue() {
    const due = Date.now() - this.lastBeat > this.beatEvery;
    if (due && !this.isLost && document.visibilityState === "visible" && document.hasFocus()) this.beat();
  }

  async beat() {
    this.lastBeat = Date.now();
    const data = new FormData();
    data.set("token", this.token);
    data.set("csrfmiddlewaretoken", document.querySelector(".bench [name=csrfmiddlewaretoken]").value);
    const url = this.url;
    let answer;
    try {
      answer = await fetch(url, {method: "POST", body: data, headers: {"X-Desk": "1"}, redirect: "manual"});
    } catch {
      return; // offline: the clock goes on, the next beat tries again
    }
    if (url !== this.url) return;
    if (answer.ok) {
      this.hold(url, this.token, (await answer.json()).seconds);
    } else if (answer.status === 409) {
      this.isLost = true;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      this.dispatchEvent(new CustomEvent("card-refused", {bubbles: true, detail: {page, status: 409}}));
    }
  }

  draw() {
    const left = Math.max(0, Math.ceil((this.ends - Date.now()) / 1000));
    const words = left ? `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}` : "";
    const spot = this.lastElementChild;
    spot.textContent = left ? "Yours for " : "Your claim ended";
    if (left) spot.append(Object.assign(document.createElement("b"), {textContent: words}));
    this.dataset.state = left ? left < 60 && this.whole > 60 ? "ending" : "running" : "ended";
    this.querySelector("circle:last-child").setAttribute("stroke-dasharray", `${Math.round((100 * left) / this.whole)} 100`);
  }
});
