// <trial-threshold> around the figures of the lab: the knob follows the pointer or the arrow keys, and every text beside
// the figure is the one that the server wrote for that threshold. Without scripts the form shows the same.
customElements.define("trial-threshold", class extends HTMLElement {
  connectedCallback() {
    this.room = this.closest("main");
    this.rows = [...this.room.querySelectorAll("tr[data-threshold]")];
    this.choice = this.room.querySelector("select[name=trial]");
    this.choice?.addEventListener("change", () => this.show(this.choice.selectedIndex));
    for (const figure of this.querySelectorAll("svg[data-left]")) this.listen(figure);
  }

  listen(figure) {
    const knob = figure.querySelector(".knob");
    if (!knob) return;
    const told = {role: "slider", tabindex: 0, "aria-label": "Trial threshold", "aria-valuemin": 0, "aria-valuemax": 1};
    for (const [name, value] of Object.entries(told)) knob.setAttribute(name, value);
    figure.setAttribute("role", "group"); // an image has no slider in it
    figure.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      figure.setPointerCapture(event.pointerId);
      this.follow(figure, event);
    });
    figure.addEventListener("pointermove", (event) => {
      if (figure.hasPointerCapture(event.pointerId)) this.follow(figure, event);
    });
    knob.addEventListener("keydown", (event) => {
      const step = {ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, PageDown: 10, PageUp: -10}[event.key];
      if (!step) return;
      event.preventDefault();
      this.show(Math.min(Math.max(this.choice.selectedIndex + step, 0), this.rows.length - 1));
    });
    this.name(knob);
  }

  follow(figure, event) {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(figure.getScreenCTM().inverse());
    const away = this.rows.map((row) => Math.abs(this.across(figure, row) - at.x));
    this.show(away.indexOf(Math.min(...away)));
  }

  across(figure, row) {
    const {left, right, first, last} = figure.dataset, share = (row.dataset.share - first) / (last - first || 1);
    return Math.min(Math.max(+left + 16 + (right - left - 18) * share, left), right);
  }

  name(knob) {
    for (const name of ["aria-valuetext", "aria-valuenow"]) knob.setAttribute(name, this.choice.value);
  }

  show(index) {
    const row = this.rows[index];
    this.choice.selectedIndex = index;
    const texts = JSON.parse(row.dataset.texts);
    for (const slot of this.room.querySelectorAll("[data-slot]")) slot.textContent = texts[slot.dataset.slot] ?? "";
    for (const other of this.rows) {
      other.removeAttribute("aria-selected");
      if (!("key" in other.dataset) && this.dataset.rows !== "all") other.hidden = other !== row;
    }
    row.setAttribute("aria-selected", "true");
    for (const figure of this.querySelectorAll("svg[data-left]")) this.draw(figure, row);
    const address = new URL(location);
    address.searchParams.set("trial", this.choice.value);
    history.replaceState(history.state, "", address);
  }

  draw(figure, row) {
    const {top, bottom, right, most} = figure.dataset, {estimate} = row.dataset, x = this.across(figure, row);
    const trial = figure.querySelector("[data-trial]"), [line, label, point, knob] = trial.children;
    line.setAttribute("d", `M${x} 18V${bottom}`);
    label.setAttribute("x", x + (x > right - 90 ? -6 : 6));
    label.classList.toggle("end", x > right - 90);
    label.textContent = `Trial ${this.choice.value}`;
    point.setAttribute("r", estimate !== "" && +estimate <= +most ? 3.5 : 0);
    point.setAttribute("cy", bottom - (bottom - top) * estimate / most);
    for (const circle of [point, knob]) circle.setAttribute("cx", x);
    this.name(knob);
  }
});
