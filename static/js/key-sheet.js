// <key-sheet>: `?` opens the <dialog> inside it. Its checkbox switches single keys off for this browser
// (WCAG 2.1.4): every element that listens to single keys asks `document.documentElement.dataset.keys`.
customElements.define("key-sheet", class extends HTMLElement {
  connectedCallback() {
    this.dialog = this.querySelector("dialog");
    this.box = this.querySelector("[data-single-keys]");
    if (!this.dialog) return;
    this.off = (read() ?? ("off" in this.dataset ? "off" : "on")) === "off";
    this.apply();
    this.listen = (event) => this.press(event);
    this.open = (event) => {
      if (event.target.closest?.("[data-opens-keys]")) this.dialog.showModal();
    };
    document.addEventListener("keydown", this.listen);
    document.addEventListener("click", this.open);
    this.box?.addEventListener("change", () => {
      this.off = !this.box.checked;
      write(this.off ? "off" : "on");
      this.apply();
    });
  }

  disconnectedCallback() {
    document.removeEventListener("keydown", this.listen);
    document.removeEventListener("click", this.open);
  }

  apply() {
    if (this.off) document.documentElement.dataset.keys = "off";
    else delete document.documentElement.dataset.keys;
    if (this.box) this.box.checked = !this.off;
  }

  press(event) {
    if (this.off || event.key !== "?" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    event.preventDefault();
    if (this.dialog.open) this.dialog.close();
    else this.dialog.showModal();
  }
});

function read() {
  try {
    return localStorage.getItem("single-keys");
  } catch {
    return null;
  }
}

function write(value) {
  try {
    localStorage.setItem("single-keys", value);
  } catch {
    // a browser that keeps nothing: the choice lasts for this page
  }
}
