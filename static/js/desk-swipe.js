// <desk-swipe>: on a touch screen, a swipe over the item to the right means to approve and to the left to reject. It only
// asks: nothing is sent before the question is answered, and the answer counts for the item that was swiped alone.
const FAR = 90;

customElements.define("desk-swipe", class extends HTMLElement {
  connectedCallback() {
    this.dialog = this.querySelector("dialog");
    const on = {touchstart: this.start, touchmove: this.move, touchend: this.end, touchcancel: this.drop, "card-shown": this.close};
    for (const [name, does] of Object.entries(on)) document.addEventListener(name, (event) => does.call(this, event), {passive: true});
    this.dialog.addEventListener("close", () => this.answered());
  }

  start(event) {
    this.drop();
    const [touch] = event.touches;
    const area = event.target.closest?.(".bench > [data-card]:not(.verdicts)");
    if (event.touches.length > 1 || !area || this.dialog.open || event.target.closest("input, textarea, select") || scrollsSideways(event.target, area)) return;
    this.from = {x: touch.clientX, y: touch.clientY, card: area.dataset.card};
  }

  move(event) {
    if (!this.from) return;
    const [touch] = event.touches;
    const [x, y] = [touch.clientX - this.from.x, touch.clientY - this.from.y];
    if (Math.abs(y) > 40 && Math.abs(y) > Math.abs(x)) return this.drop();
    this.mark(Math.abs(x) >= FAR && Math.abs(x) > 2 * Math.abs(y) ? x > 0 ? "approve" : "reject" : "");
  }

  end() {
    const [verdict, from] = [this.meant?.value, this.from];
    this.drop();
    if (!verdict || from.card !== this.card) return;
    this.asked = {verdict, card: from.card};
    const what = this.button(verdict).querySelector("span:last-child").textContent;
    this.querySelector("[data-asks]").textContent = verdict === "approve" ? `Approve: ${what}?` : `Reject: ${what}?`;
    this.querySelector("[value=yes]").textContent = verdict === "approve" ? "Approve" : "Reject";
    this.dialog.returnValue = "";
    this.dialog.showModal();
  }

  answered() {
    const {verdict, card} = this.asked ?? {};
    this.asked = null;
    if (this.dialog.returnValue === "yes" && card === this.card) this.button(verdict)?.click();
  }

  get card() { return document.querySelector(".bench > .item").dataset.card; }
  button(verdict) { return document.querySelector(`.bench > .verdicts [name=verdict][value="${verdict}"]`); }

  // The verdict that letting go would ask about is marked on the bar.
  mark(verdict) {
    this.meant?.removeAttribute("aria-pressed");
    this.meant = verdict ? this.button(verdict) : null;
    this.meant?.setAttribute("aria-pressed", "true");
  }

  drop() {
    this.mark("");
    this.from = null;
  }

  // A card that came in between was never asked about.
  close() { if (this.dialog.open) this.dialog.close("no"); }
});

function scrollsSideways(from, area) {
  for (let each = from; each && each !== area; each = each.parentElement) {
    if (each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).overflowX !== "visible") return true;
  }
  return false;
}
