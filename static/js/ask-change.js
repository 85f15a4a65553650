// <ask-change> in a question: what was typed in the place of the AI's answer, as one types; one button brings that back.
// The verdict bar says how many were changed.
customElements.define("ask-change", class extends HTMLElement {
  connectedCallback() {
    this.field = this.closest("ask-field");
    this.drawn = this.querySelector("word-diff") ?? document.createElement("word-diff");
    this.back = this.querySelector("button") ?? Object.assign(document.createElement("button"), {type: "button", className: "link", textContent: "As the AI said"});
    this.field.addEventListener("input", () => this.show());
    this.field.addEventListener("change", () => this.show());
    this.back.addEventListener("click", () => this.restore());
    this.show();
  }

  get controls() { return this.field.controls; }
  get choices() { return this.controls[0].options ? [...this.controls[0].options] : this.controls[0].type === "radio" ? this.controls : []; }
  get was() {
    if ("was" in this.dataset) return this.dataset.was;
    if (!this.choices.length) return this.controls[0].defaultValue;
    return this.choices.find((each) => each.defaultChecked || each.defaultSelected)?.value ?? "";
  }

  // A choice by its label, an empty answer by a word.
  words(value) {
    const found = this.choices.find((each) => each.value === value);
    return (found?.label ?? found?.closest("label")?.lastChild.textContent ?? value) || "nothing";
  }

  show() {
    const {was, field} = this;
    const isChanged = field.value !== was;
    if (isChanged) this.drawn.show(this.words(was), this.words(field.value), !/text|json/.test(field.dataset.kind));
    // A button that is taken out and put in again between press and release is never clicked.
    if (isChanged !== this.contains(this.back)) this.replaceChildren(...(isChanged ? [this.drawn, this.back] : []));
    field.toggleAttribute("data-changed", isChanged);
    this.count();
  }

  count() {
    const bar = document.querySelector('.bench > .verdicts [value="override"] > span:last-child');
    if (!bar) return;
    bar.dataset.was ??= bar.textContent;
    const count = document.querySelectorAll(".bench > .side ask-field[data-changed], .bench > .side [data-row][data-gone], .bench > .side [data-row][data-new]").length;
    bar.textContent = count ? `${count} ${count > 1 ? "changes" : "change"} of yours` : bar.dataset.was;
  }

  restore() {
    const {was, controls, choices} = this;
    if (controls[0].type === "radio") for (const each of choices) each.checked = each.value === was;
    else controls[0].value = was;
    (controls.find((each) => each.checked) ?? controls[0]).dispatchEvent(new Event("change", {bubbles: true}));
    (this.field.querySelector("[role=combobox], :checked") ?? controls[0]).focus();
  }
});
