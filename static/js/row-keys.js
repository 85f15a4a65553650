// <row-keys> around a ledger: J and K (or the arrows, once a row is in hand) move, Enter opens the row's first link.
customElements.define("row-keys", class extends HTMLElement {
  connectedCallback() {
    this.listen = (event) => this.press(event);
    document.addEventListener("keydown", this.listen);
  }

  disconnectedCallback() {
    document.removeEventListener("keydown", this.listen);
  }

  get rows() {
    return [...this.querySelectorAll("tbody > tr")].filter((row) => row.querySelector("a[href]"));
  }

  press(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    if (event.target.closest("input, textarea, select, [contenteditable], dialog, summary")) return;
    const single = document.documentElement.dataset.keys !== "off";
    const inside = this.contains(event.target);
    const step = {j: single && 1, k: single && -1, ArrowDown: inside && 1, ArrowUp: inside && -1}[event.key];
    if (step) {
      event.preventDefault();
      this.move(step);
    } else if (event.key === "Enter" && event.target.matches("tr") && inside) {
      event.preventDefault();
      event.target.querySelector("a[href]").click();
    }
  }

  move(step) {
    const rows = this.rows;
    if (!rows.length) return;
    const at = rows.findIndex((row) => row.getAttribute("aria-current") === "true");
    const next = rows[Math.min(Math.max(at + step, 0), rows.length - 1)];
    for (const row of rows) {
      row.removeAttribute("aria-current");
      row.tabIndex = -1;
    }
    next.setAttribute("aria-current", "true");
    next.tabIndex = 0;
    next.focus({preventScroll: true});
    next.scrollIntoView({block: "nearest"});
  }
});
