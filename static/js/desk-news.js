// <desk-news>: what comes back from the server beside the cards: the rail of this session, and what was refused, which
// is shown above the verdict bar with the text that was kept.
customElements.define("desk-news", class extends HTMLElement {
  connectedCallback() {
    this.onRail = ({detail}) => this.rail(detail);
    this.onRefused = ({detail}) => this.refused(detail);
    document.addEventListener("card-rail", this.onRail);
    document.addEventListener("card-refused", this.onRefused);
    this.fade();
  }

  disconnectedCallback() {
    document.removeEventListener("card-rail", this.onRail);
    document.removeEventListener("card-refused", this.onRefused);
    clearInterval(this.clock);
  }

  rail({rail, of, isBack}) {
    if (!rail || !of.isConnected) return;
    const old = document.querySelector(".rail");
    const fresh = document.importNode(rail, true);
    if (isBack) fresh.querySelector("li[aria-current]")?.classList.add("back");
    const hadFocus = old.contains(document.activeElement);
    old.replaceWith(fresh);
    if (hadFocus) document.querySelector(".bench > .item h1").focus({preventScroll: true});
    const token = of.querySelector("[name=token]").value;
    document.querySelector("claim-clock").hold(`${of.dataset.url}renew/`, token, Number(fresh.dataset.seconds));
    this.fade();
  }

  // The undo button of the rail goes when its time is over; the verdict's sign comes in its place.
  fade() {
    const row = document.querySelector(".rail [data-undo-seconds]");
    clearInterval(this.clock);
    if (!row) return;
    const ends = Date.now() + Number(row.dataset.undoSeconds) * 1000;
    const tick = () => {
      const left = Math.ceil((ends - Date.now()) / 1000);
      row.querySelector("[data-left]").textContent = left > 0 ? `in ${left} s` : "";
      if (left > 0) return;
      clearInterval(this.clock);
      row.removeAttribute("data-undo-seconds");
      row.querySelector("form").remove();
      row.querySelector("[data-after]").hidden = false;
    };
    tick();
    this.clock = setInterval(tick, 500);
  }

  refused({page, status}) {
    const parts = [...page.querySelectorAll(".refused, .kept")];
    const told = parts.length ? parts : [this.words(status, page.querySelector("main h1")?.textContent)];
    const box = document.createElement("div");
    box.className = "problem";
    box.append(...told.map((part) => document.importNode(part, true)));
    const close = Object.assign(document.createElement("button"), {type: "button", className: "link", textContent: "Put this away"});
    close.addEventListener("click", () => {
      box.remove();
      document.querySelector(".bench > .item h1").focus();
    });
    box.append(close);
    // Text that was kept stays in sight whatever else goes wrong.
    for (const old of this.querySelectorAll(".problem:not(:has(.kept dl))")) old.remove();
    this.prepend(box);
    box.querySelector(".refused").focus({preventScroll: true});
    box.querySelector(".refused").scrollIntoView({block: "center"}); // on a phone the verdict bar would lie over it
  }

  words(status, said) {
    const why = status === 409 && said ? said : status === 401 || status === 403
      ? "You are signed out, so this was not taken. Sign in again in another tab, then send it once more."
      : "Something failed on our side, so this was not taken. Send it once more.";
    const part = Object.assign(document.createElement("div"), {className: "refused", tabIndex: -1});
    part.setAttribute("role", "alert");
    part.append(document.createElement("span"), Object.assign(document.createElement("b"), {textContent: why}));
    return part;
  }
});
