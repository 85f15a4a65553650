// <draft-keeper>: what is typed on a card stays in this browser, for this person and this item, until it is decided: it
// outlives a reload, a sign-out and a lost claim. It is offered back, never filled in unasked; after a week it goes.
const TEXT = /^(field:|reasons$|comment$)/;

customElements.define("draft-keeper", class extends HTMLElement {
  connectedCallback() {
    const save = ({target}) => (target.form ?? this.form)?.id.startsWith("decide-") && this.keep(target.form ?? this.form);
    const sent = ({detail}) => store((drafts) => drafts.removeItem(this.name(detail.of)));
    const on = {input: save, change: save, "card-shown": () => this.offers(), "card-sent": sent};
    for (const [name, does] of Object.entries(on)) document.addEventListener(name, does);
    store((drafts) => Object.keys(drafts).filter((name) => name.startsWith("draft:")).forEach((name) => {
      if (Date.now() - JSON.parse(drafts.getItem(name)).at > 7 * 86400000) drafts.removeItem(name);
    }));
    this.offers();
  }

  get form() { return document.querySelector('.bench > .item form[id^="decide-"]'); }
  get of() { return this.dataset.of ?? this.form?.closest("[data-card]").dataset.card; }
  name(of) { return `draft:${this.dataset.person}:${of}`; }

  // What of a form is text of hers, as {name: [values]}.
  said(form) {
    const said = {};
    for (const [name, value] of new FormData(form)) {
      if (TEXT.test(name) && value) (said[name] ??= []).push(value);
    }
    return said;
  }

  keep(form) {
    const said = this.said(form);
    const isBlank = JSON.stringify(said) === this.blank;
    store((drafts) => isBlank ? drafts.removeItem(this.name(this.of)) : drafts.setItem(this.name(this.of), JSON.stringify({at: Date.now(), said})));
  }

  offers() {
    const [form, draft] = [this.form, JSON.parse(store((drafts) => drafts.getItem(this.name(this.of))) ?? "null")];
    this.blank = form && JSON.stringify(this.said(form));
    document.querySelector("[data-draft]")?.remove();
    if (!draft || JSON.stringify(draft.said) === this.blank) return;
    const box = this.querySelector("template").content.cloneNode(true).firstElementChild;
    for (const [name, values] of Object.entries(draft.said)) {
      const row = box.querySelector("dl").appendChild(document.createElement("div"));
      row.append(...["dt", "dd"].map((tag) => document.createElement(tag)));
      row.firstChild.textContent = name.replace(/^field:/, "").replace(/^[a-z]/, (first) => first.toUpperCase());
      row.lastChild.textContent = values.join(", ");
    }
    const back = Object.assign(box.querySelector("[data-put-back]"), {hidden: !form});
    back.addEventListener("click", () => this.putBack(form, draft.said, box));
    box.querySelector("[data-throw-away]").addEventListener("click", () => {
      store((drafts) => drafts.removeItem(this.name(this.of)));
      box.remove();
    });
    (document.querySelector(".bench > .side") ?? this).prepend(box);
  }

  putBack(form, said, box) {
    for (const rows of document.querySelectorAll(".bench > .side ask-rows")) rows.match(Object.keys(said));
    for (const each of form.elements) {
      if (!TEXT.test(each.name)) continue;
      if (each.matches("[type=radio], [type=checkbox]")) each.checked = Boolean(said[each.name]?.includes(each.value));
      else each.value = said[each.name]?.[0] ?? "";
      if (said[each.name]) each.closest("[data-part]")?.removeAttribute("data-closed");
      each.dispatchEvent(new Event("change", {bubbles: true}));
    }
    box.remove();
    [...form.elements].find((each) => said[each.name])?.focus();
  }
});

// A browser that keeps nothing, or has no room left, keeps no drafts: the card itself works on.
function store(use) {
  try {
    return use(localStorage);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    return null;
  }
}
