// <pick-one> around a long <select>: typing finds, arrows move, Enter takes; while nothing is typed, 1 to 9 take one of the
// nine that are shown. A second Enter sends. The select stays what is posted.
customElements.define("pick-one", class extends HTMLElement {
  connectedCallback() {
    this.querySelector(".picks")?.remove();
    this.select = this.querySelector("select");
    const id = this.select.id.replace(/-source$/, "");
    Object.assign(this.select, {id: `${id}-source`, hidden: true});
    this.list = make("ul", {id: `${id}-options`}, {role: "listbox", "aria-label": "Options"});
    this.note = make("p", {className: "small quiet"}, {role: "status"});
    const aria = {role: "combobox", "aria-controls": this.list.id, "aria-autocomplete": "list"};
    for (const name of ["aria-invalid", "aria-describedby"]) if (this.select.hasAttribute(name)) aria[name] = this.select.getAttribute(name);
    this.field = make("input", {id, type: "text", autocomplete: "off", spellcheck: false}, aria);
    const box = make("span", {className: "picks"}, {});
    box.append(this.field, this.list, this.note);
    this.append(box);
    const on = {input: () => this.find(this.field.value), change: () => {}, keydown: (event) => this.key(event), focus: () => { this.field.select(); this.find(""); }, blur: () => this.close()};
    for (const [name, does] of Object.entries(on)) this.field.addEventListener(name, (event) => { if (["input", "change"].includes(name)) event.stopPropagation(); does(event); });
    this.list.addEventListener("pointerdown", (event) => { event.preventDefault(); this.take(event.target.closest("li")); });
    this.select.addEventListener("change", () => this.close());
    this.close();
  }

  get rows() { return [...this.list.children]; }
  find(said) {
    const plain = (text) => text.toLowerCase().replace(/[_-]/g, " ");
    const words = plain(said).split(/\s+/).filter(Boolean);
    const found = [...this.select.options].filter(({value, label}) => value !== "" && words.every((word) => plain(label).includes(word)));
    this.query = said;
    this.list.replaceChildren(...found.slice(0, 9).map((option, place) => {
      const row = make("li", {id: `${this.list.id}-${place}`}, {role: "option", "data-value": option.value});
      row.append(make("kbd", {textContent: place + 1}, {}), option.label);
      return row;
    }));
    this.note.textContent = !found.length ? "No option has these words." : found.length > 9 ? `${found.length - 9} more: type to find.` : "";
    this.list.hidden = !found.length;
    this.field.setAttribute("aria-expanded", String(Boolean(found.length)));
    this.mark(words.length ? 0 : -1);
  }

  mark(at) {
    this.at = at;
    this.rows.forEach((row, place) => row.setAttribute("aria-selected", String(place === at)));
    this.field.setAttribute("aria-activedescendant", this.rows[at]?.id ?? "");
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const {rows, list: {hidden}} = this;
    const by = {ArrowDown: 1, ArrowUp: -1}[event.key];
    if (by && hidden) this.find("");
    else if (by) this.mark((Math.max(this.at, by < 0 ? 0 : -1) + by + rows.length) % rows.length);
    else if (event.key === "Enter" && !hidden && rows[this.at]) this.take(rows[this.at]);
    else if (event.key === "Enter" && !event.repeat) document.querySelector("answer-steps").send();
    else if (event.key === "Escape" && !hidden) this.close();
    else if (/^[1-9]$/.test(event.key) && !hidden && !this.query && rows[event.key - 1]) this.take(rows[event.key - 1]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  take(row) {
    this.select.value = row?.dataset.value ?? this.select.value;
    this.select.dispatchEvent(new Event("change", {bubbles: true}));
  }

  close() {
    Object.assign(this, {query: "", at: -1}).list.hidden = true;
    this.field.setAttribute("aria-expanded", "false");
    Object.assign(this.field, {value: this.select.selectedOptions[0]?.label ?? ""}).setAttribute("aria-activedescendant", "");
    this.note.textContent = "";
  }
});

function make(tag, has, says) {
  const made = Object.assign(document.createElement(tag), has);
  for (const [name, value] of Object.entries(says)) made.setAttribute(name, value);
  return made;
}
