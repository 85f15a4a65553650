// <find-text> around a long text: marks what is typed, Enter goes to the next one, Shift Enter back, Esc clears. Matches
// are marked by splitting the text's own nodes: what is searched stays text.
customElements.define("find-text", class extends HTMLElement {
  connectedCallback() {
    this.box = this.querySelector(".passage");
    this.field = this.querySelector("[type=search]");
    this.marks = [];
    this.field.addEventListener("input", () => this.soon());
    this.field.addEventListener("keydown", (event) => this.key(event));
    this.addEventListener("click", (event) => this.step({on: 1, back: -1}[event.target.closest?.("[data-find]")?.dataset.find]));
  }

  // A text of a megabyte is not searched at every letter.
  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.find(), 120);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !["Enter", "Escape"].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Escape") this.field.value = "";
    if (event.key === "Escape" || this.sought !== this.field.value) this.find();
    else this.step(event.shiftKey ? -1 : 1);
  }

  find() {
    clearTimeout(this.timer);
    this.clear();
    this.sought = this.field.value;
    const wanted = this.sought.toLowerCase();
    if (wanted.trim()) for (const node of this.texts()) this.split(node, wanted);
    this.at = -1;
    if (this.marks.length) this.step(1);
    else this.say(wanted.trim() ? "none" : "");
  }

  texts() {
    const walker = document.createTreeWalker(this.box, NodeFilter.SHOW_TEXT);
    const found = [];
    while (walker.nextNode()) found.push(walker.currentNode);
    return found;
  }

  // From the end to the front, so that the places ahead stay true.
  split(node, wanted) {
    const lower = node.data.toLowerCase();
    const hay = lower.length === node.data.length ? lower : node.data;
    const places = [];
    for (let at = hay.indexOf(wanted); at >= 0 && this.marks.length + places.length < 999; at = hay.indexOf(wanted, at + wanted.length)) places.push(at);
    const marks = places.reverse().map((at) => {
      const [mark, match] = [document.createElement("mark"), node.splitText(at)];
      match.splitText(wanted.length);
      match.replaceWith(mark);
      mark.append(match);
      return mark;
    });
    this.marks.push(...marks.reverse());
  }

  step(by) {
    if (!by || !this.marks.length) return;
    this.marks[this.at]?.removeAttribute("aria-current");
    this.at = (this.at + by + this.marks.length) % this.marks.length;
    const mark = this.marks[this.at];
    mark.setAttribute("aria-current", "true");
    mark.scrollIntoView({block: "nearest"});
    this.say(`${this.at + 1} of ${this.marks.length}${this.marks.length > 998 ? "+" : ""}`);
  }

  say(words) { this.querySelector("output").value = words; }

  clear() {
    for (const mark of this.marks) mark.replaceWith(...mark.childNodes);
    this.box.normalize();
    this.marks = [];
  }
});
