// <ask-rows>: the rows of a list. A new one is made after the blank one, which stays hidden. One that the AI gave is struck
// out and can be put back; one that was added goes. What is struck out is not sent.
const PLACES = {name: "names", "data-names": "names", id: "ids", for: "ids", "data-ids": "ids", "aria-labelledby": "ids", "aria-describedby": "ids"};

customElements.define("ask-rows", class extends HTMLElement {
  connectedCallback() {
    this.first = Number(this.dataset.ids.split("-").at(-1));
    this.addEventListener("click", (event) => {
      const button = event.target.closest?.("[data-add], [data-remove]");
      if (button?.closest("ask-rows") !== this) return;
      if ("add" in button.dataset) this.add().querySelector("input:not([type=hidden]), select, textarea, button")?.focus();
      else this.strike(button.closest("[data-row]"), button);
    });
  }

  get rows() { return [...this.querySelectorAll("[data-row]")].filter((row) => row.closest("ask-rows") === this); }

  add(index = Math.max(this.first, ...this.rows.map((row) => Number(row.dataset.new ?? 0))) + 1) {
    const blank = this.rows.find((row) => "blank" in row.dataset);
    const row = blank.cloneNode(true);
    row.removeAttribute("data-blank");
    row.dataset.new = index;
    for (const each of row.querySelectorAll("*")) {
      for (const [attribute, kind] of Object.entries(PLACES)) this.move(each, attribute, this.dataset[kind], String(index));
    }
    const number = this.rows.filter((other) => !("blank" in other.dataset)).length + 1;
    for (const each of row.querySelectorAll("[data-number]")) {
      if (each.closest("[data-row]") === row) each.textContent = number;
    }
    const remove = [...row.querySelectorAll("[data-remove]")].at(-1);
    remove.setAttribute("aria-label", remove.getAttribute("aria-label").replace(/\d+$/, number));
    blank.before(row);
    this.changed();
    return row;
  }

  // `field:items/3` and all below it becomes `field:items/7`, in names as in ids.
  move(each, attribute, from, index) {
    const was = each.getAttribute(attribute);
    const start = was?.startsWith("rows:") ? from.replace("field:", "rows:") : from;
    if (was?.startsWith(start)) each.setAttribute(attribute, start.replace(/\d+$/, index) + was.slice(start.length));
  }

  strike(row, button) {
    const isGone = row.toggleAttribute("data-gone");
    if ("new" in row.dataset) {
      row.remove();
      this.querySelector("legend").focus();
    } else {
      for (const control of row.querySelectorAll("[name]")) control.disabled = isGone;
      button.textContent = isGone ? "Put back" : "Remove";
    }
    this.changed();
  }

  // Rows as a draft had them: those it names are there, and those it does not name are gone.
  match(names) {
    const start = this.dataset.names.replace(/\d+$/, "");
    const wanted = new Set(names.filter((name) => name.startsWith(start)).map((name) => Number(name.slice(start.length).split("/")[0])));
    this.rows.forEach((row, place) => {
      const isKept = "blank" in row.dataset || wanted.has(place);
      if (!isKept && !("gone" in row.dataset)) this.strike(row, row.querySelector("[data-remove]"));
    });
    for (const index of [...wanted].sort((one, other) => one - other)) if (index > this.first) this.add(index);
  }

  changed() {
    this.dispatchEvent(new Event("change", {bubbles: true}));
    for (const each of this.querySelectorAll("ask-change")) each.count();
  }
});
