// <word-diff>: show(old, now) draws what changed, word by word, or as a whole. Text goes in as text; what hides in it gets
// its name.
customElements.define("word-diff", class extends HTMLElement {
  show(old, now, isWhole) {
    const [one, other] = [old, now].map((said) => isWhole ? [said] : said.match(/[\p{L}\p{N}_]+|\s+|[^\p{L}\p{N}_\s]/gu) ?? []);
    const least = Math.min(one.length, other.length);
    let [before, after] = [0, 0];
    while (before < least && one[before] === other[before]) before += 1;
    while (after < least - before && one.at(-1 - after) === other.at(-1 - after)) after += 1;
    const [gone, come] = [one, other].map((words) => words.slice(before, words.length - after));
    // A line of what stayed is enough to find the place by.
    const [lead, tail] = [one.slice(Math.max(0, before - 12), before), one.slice(one.length - after).slice(0, 12)];
    const steps = gone.length * come.length > 200000 ? [...gone.map((word) => ["del", word]), ...come.map((word) => ["ins", word])] : this.steps(gone, come);
    this.replaceChildren(
      ...this.run("span", before > 12 ? ["… ", ...lead] : lead), ...this.joined(steps), ...this.run("span", after > 12 ? [...tail, " …"] : tail),
    );
  }

  // The longest words in common stay (Wagner and Fischer, 1974).
  steps(gone, come) {
    const width = come.length + 1;
    const longest = new Uint32Array((gone.length + 1) * width);
    for (let i = gone.length - 1; i >= 0; i -= 1) {
      for (let j = come.length - 1; j >= 0; j -= 1) {
        const [down, right] = [longest[(i + 1) * width + j], longest[i * width + j + 1]];
        longest[i * width + j] = gone[i] === come[j] ? longest[(i + 1) * width + j + 1] + 1 : Math.max(down, right);
      }
    }
    const steps = [];
    for (let [i, j] = [0, 0]; i < gone.length || j < come.length;) {
      const isSame = i < gone.length && j < come.length && gone[i] === come[j];
      const isGone = !isSame && (j >= come.length || (i < gone.length && longest[(i + 1) * width + j] >= longest[i * width + j + 1]));
      steps.push(isSame ? ["span", gone[i]] : isGone ? ["del", gone[i]] : ["ins", come[j]]);
      if (isSame || isGone) i += 1;
      if (isSame || !isGone) j += 1;
    }
    return steps;
  }

  // Between two stretches that stayed, first all that went and then all that came; a space between changes joins them.
  joined(steps) {
    const found = [];
    let [del, ins] = [[], []];
    const flush = () => {
      found.push(...this.run("del", del), ...this.run("ins", ins));
      [del, ins] = [[], []];
    };
    steps.forEach(([tag, word], place) => {
      const isGap = tag === "span" && !word.trim() && steps[place - 1]?.[0] !== "span" && steps[place + 1]?.[0] !== "span" && del.length + ins.length && place < steps.length - 1;
      if (tag === "del" || isGap) del.push(word);
      if (tag === "ins" || isGap) ins.push(word);
      if (tag !== "span" || isGap) return;
      flush();
      found.push(...this.run("span", [word]));
    });
    flush();
    return found;
  }

  run(tag, words) {
    if (!words.length) return [];
    const named = words.join("").replace(/[\p{Cf}\u2028\u2029]|(?![\t\n])\p{Cc}/gu, (sign) => `U+${sign.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`);
    return [Object.assign(document.createElement(tag), {textContent: named, dir: "auto"})];
  }
});
