// <print-page>: a button that prints the page. Without scripts it is not there; the browser's own menu prints as well.
customElements.define("print-page", class extends HTMLElement {
  connectedCallback() {
    if (this.firstChild) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn";
    button.dataset.kind = "plain";
    button.textContent = "Print";
    button.addEventListener("click", () => print());
    this.append(button);
  }
});
