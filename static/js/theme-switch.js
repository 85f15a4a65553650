// <theme-switch>: three chips, light, dark or as the system says; kept in this browser only.
customElements.define("theme-switch", class extends HTMLElement {
  connectedCallback() {
    if (this.firstChild) return;
    const group = document.createElement("div");
    group.className = "chips";
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", "Theme");
    for (const [value, word] of [["", "System"], ["light", "Light"], ["dark", "Dark"]]) {
      const chip = document.createElement("button");
      chip.type = "button";
      chip.className = "chip";
      chip.value = value;
      chip.textContent = word;
      group.append(chip);
    }
    group.addEventListener("click", (event) => {
      const chip = event.target.closest("button");
      if (chip) this.choose(chip.value);
    });
    this.append(group);
    this.show(document.documentElement.dataset.theme ?? "");
  }

  choose(value) {
    const root = document.documentElement;
    if (value) root.dataset.theme = value;
    else delete root.dataset.theme;
    try {
      if (value) localStorage.setItem("theme", value);
      else localStorage.removeItem("theme");
    } catch {
      // private windows keep nothing: the choice lasts for this page
    }
    this.show(value);
  }

  show(value) {
    for (const chip of this.querySelectorAll("button")) chip.setAttribute("aria-pressed", String(chip.value === value));
  }
});
