// <ask-field>: one question of a correction. Says at its place what is wrong with what was typed, in the server's words;
// while somebody types, a fault may go at once and none is found before a pause. Digits pick among a few.
customElements.define("ask-field", class extends HTMLElement {
  connectedCallback() {
    this.error = this.querySelector(":scope > .error");
    this.addEventListener("input", () => this.typed());
    // Not before a press that led out of the field is over: a sentence that comes in between would move its button away.
    this.addEventListener("change", () => this.soon(250));
    this.addEventListener("keydown", (event) => this.pick(event));
  }

  get controls() { return [...this.querySelectorAll("[name^='field:']")]; }
  get value() {
    const [first, ...others] = this.controls;
    return (first.type === "radio" ? [first, ...others].find((each) => each.checked) : first)?.value ?? "";
  }
  get isInBlankRow() {
    const row = this.closest("[data-row]");
    return row && [...row.querySelectorAll("ask-field")].every((each) => !each.value.trim());
  }

  problem() {
    const {kind, label, min, max} = this.dataset;
    const text = this.value.trim().replace("\u2212", "-");
    const isNeeded = "required" in this.dataset && kind !== "text" && kind !== "longtext";
    if (!text) return isNeeded && !this.isInBlankRow ? `${label} is needed.` : "";
    if (kind === "json" && !isJson(text)) return `${label}: this is not JSON.`;
    if (kind !== "integer" && kind !== "number") return "";
    const isNumber = /^[+-]?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text);
    if (kind === "integer" && !(isNumber && Number.isInteger(Number(text)))) return `${label}: write a whole number.`;
    if (!isNumber) return `${label}: write a number with a point, such as 12.5.`;
    if (min && Number(text) < Number(min)) return `${label} must be at least ${min}.`;
    return max && Number(text) > Number(max) ? `${label} must be at most ${max}.` : "";
  }

  typed() {
    if (!this.problem()) this.check();
    else this.soon(600);
  }

  soon(milliseconds) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.check(), milliseconds);
  }

  // The sentence that is shown now, "" when there is nothing wrong that a browser can know of.
  check() {
    clearTimeout(this.timer);
    const wrong = this.problem();
    const shown = this.querySelector("[role=radiogroup], [role=combobox]") ?? this.controls[0];
    if (wrong && !this.error) this.error = this.appendChild(Object.assign(document.createElement("p"), {className: "error", id: `${shown.id || this.controls[0].name}-error`}));
    if (wrong && this.error.textContent !== wrong) document.querySelector("[data-says]").textContent = wrong;
    if (this.error) Object.assign(this.error, {hidden: !wrong, textContent: wrong});
    if (wrong) shown.setAttribute("aria-invalid", "true");
    else shown.removeAttribute("aria-invalid");
    if (wrong) shown.setAttribute("aria-describedby", this.error.id);
    return wrong;
  }

  pick(event) {
    if (!event.target.matches("[data-digit], [type=radio]") || event.ctrlKey || event.metaKey || event.altKey || !/^[0-9]$/.test(event.key)) return;
    // A digit among the choices of one field is never the key of a whole other answer.
    event.preventDefault();
    const found = this.querySelector(`[data-digit="${event.key}"]`);
    if (!found) return;
    found.focus();
    found.click();
  }
});

function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
