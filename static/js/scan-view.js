// <scan-view> around a scan: + and − zoom, C raises the contrast, I inverts. Nothing of it is silent: the tools say it.
customElements.define("scan-view", class extends HTMLElement {
  connectedCallback() {
    this.picture = this.querySelector("svg");
    [, , this.width, this.height] = this.picture.getAttribute("viewBox").split(" ").map(Number);
    this.cells = [...this.querySelectorAll(".scan-ink")].map((cell) => [cell, cell.getAttribute("fill-opacity")]);
    this.zoom = 1;
    this.press = (event) => this.key(event);
    this.click = (event) => this.act(event.target.closest?.("[data-scan]")?.dataset.scan);
    document.addEventListener("keydown", this.press);
    this.addEventListener("click", this.click);
  }

  disconnectedCallback() {
    document.removeEventListener("keydown", this.press);
    this.removeEventListener("click", this.click);
  }

  key(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.documentElement.dataset.keys === "off" || event.target.closest("input:not([type=radio], [type=checkbox]), textarea, select, dialog")) return;
    const key = {"=": "+", "−": "-"}[event.key] ?? event.key.toLowerCase();
    const button = this.querySelector(`[data-scan-key="${CSS.escape(key)}"]`);
    if (!button) return;
    event.preventDefault();
    this.act(button.dataset.scan);
  }

  act(what) {
    if (what === "in" || what === "out") this.scale(what === "in" ? this.zoom * 1.5 : this.zoom / 1.5);
    if (what === "invert") this.toggle(what, (isOn) => this.classList.toggle("inverted", isOn));
    if (what === "contrast") this.toggle(what, (isOn) => this.raise(isOn));
  }

  scale(zoom) {
    this.zoom = Math.min(Math.max(zoom, 1), 8);
    if (this.zoom < 1.01) this.zoom = 1;
    const [width, height] = [this.width / this.zoom, this.height / this.zoom];
    this.picture.setAttribute("viewBox", `${(this.width - width) / 2} ${(this.height - height) / 2} ${width} ${height}`);
    this.querySelector("output").value = `${Math.round(this.zoom * 100)}\u202f%`;
  }

  toggle(what, apply) {
    const button = this.querySelector(`[data-scan="${what}"]`);
    const isOn = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(isOn));
    apply(isOn);
  }

  raise(isOn) {
    for (const [cell, level] of this.cells) {
      const steep = Math.min(1, Math.max(0, (Number(level) - 0.5) * 2.5 + 0.5));
      cell.setAttribute("fill-opacity", isOn ? steep.toFixed(3) : level);
    }
  }
});
