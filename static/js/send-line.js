// <send-line>: what the desk sends goes out in its order, one after the other. Without a network it waits, says so, and
// tries again; leaving the page while something waits asks first.
customElements.define("send-line", class extends HTMLElement {
  connectedCallback() {
    this.last = Promise.resolve();
    this.waiting = 0;
    this.stay = (event) => {
      if (this.waiting) event.preventDefault();
    };
    window.addEventListener("beforeunload", this.stay);
  }

  disconnectedCallback() {
    window.removeEventListener("beforeunload", this.stay);
  }

  // Resolves to {status, page}: the status code and the parts that came back, as an inert document.
  post(url, data) {
    this.waiting += 1;
    const answer = this.last.then(() => this.insist(url, data));
    this.last = answer.finally(() => {
      this.waiting -= 1;
      if (!this.waiting) this.say("");
    });
    return answer;
  }

  idle() {
    return this.last;
  }

  async insist(url, data) {
    for (;;) {
      try {
        return await this.send(url, data);
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        this.say(`Not sent yet, will be: ${this.waiting}.`);
        await this.online();
      }
    }
  }

  async send(url, data) {
    const small = new URLSearchParams(data).toString().length < 60000;
    const answer = await fetch(url, {
      method: "POST", body: data, headers: {"X-Desk": "1"}, credentials: "same-origin", redirect: "manual", keepalive: small,
    });
    // A redirect to sign in: the session ended. The page says so itself once it is asked for.
    if (answer.type === "opaqueredirect") return {status: 401, page: document.implementation.createHTMLDocument("")};
    const text = answer.status === 204 ? "" : await answer.text();
    return {status: answer.status, page: new DOMParser().parseFromString(text, "text/html")};
  }

  online() {
    return new Promise((resolve) => {
      const go = () => {
        clearTimeout(timer);
        window.removeEventListener("online", go);
        resolve();
      };
      const timer = setTimeout(go, 3000);
      window.addEventListener("online", go);
    });
  }

  say(words) {
    if (this.textContent !== words) this.textContent = words;
  }
});
