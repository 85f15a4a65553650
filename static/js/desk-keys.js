// <desk-keys>: single keys press the control of the card that names them. A key held down counts once, keys can be
// switched off, and nothing is taken from somebody who is typing.
customElements.define("desk-keys", class extends HTMLElement {
  connectedCallback() {
    this.press = (event) => this.key(event);
    document.addEventListener("keydown", this.press);
  }

  disconnectedCallback() {
    document.removeEventListener("keydown", this.press);
  }

  get steps() {
    return document.querySelector("answer-steps");
  }

  key(event) {
    if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      if (!event.repeat && this.steps.send()) event.preventDefault();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      this.steps.close();
      return;
    }
    const typing = event.target.closest("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]");
    if (typing) return;
    // Whoever is filling in a form means text, even while a button in it has the focus.
    if (event.target.closest(".fields") && !["Enter", "?"].includes(event.key)) return;
    if (event.key === "Enter") {
      // Among radios and checkboxes Enter does nothing by itself; on a button it presses that button.
      if (!event.target.closest("a, button, summary") && !event.repeat && this.steps.send()) event.preventDefault();
      return;
    }
    if (document.documentElement.dataset.keys === "off" || event.key.length !== 1) return;
    const control = this.control(event.key.toLowerCase());
    if (!control) return;
    event.preventDefault();
    if (!event.repeat) control.click();
  }

  control(key) {
    const name = `[data-key="${CSS.escape(key)}"]`;
    const {asking} = this.steps;
    const found = document.querySelectorAll(`.bench > [data-card] ${asking && `[data-part="${asking}"] `}${name}`);
    const shown = [...found].find((each) => !each.closest("[data-closed]") && (asking || each.type !== "checkbox"));
    return shown ?? (asking && !/\d/.test(key) ? this.outside(name) : null);
  }

  // While something is asked for, letters still mean what they mean on the verdict bar.
  outside(name) {
    return document.querySelector(`.bench > .verdicts ${name}`);
  }
});
