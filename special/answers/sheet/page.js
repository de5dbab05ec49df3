"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const ANSWER = data.columns.indexOf("class");
  const find = (id) => document.getElementById(id);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const articles = all("article.question"), steps = all(".step"), dots = all(".dot[data-index]");
  const choices = all(".choice"), search = find("search");
  const byAnswer = new Map(choices.map((choice) => [choice.dataset.answer, choice]));
  const byKey = new Map(choices.map((choice) => [choice.getAttribute("aria-keyshortcuts"), choice]));
  const answers = data.questions.map(() => "");
  const history = []; // {index, before}: what undo takes back
  let current = 0, unsaved = false, kept = true;

  const store = (() => {
    try {
      const probe = `${data.key} probe`;
      localStorage.setItem(probe, "1");
      localStorage.removeItem(probe);
      return localStorage;
    } catch {
      kept = false; // a browser may forbid it, for files above all
      return null;
    }
  })();

  function remember() {
    if (!store) return;
    const given = {};
    answers.forEach((answer, index) => { if (answer) given[data.questions[index].id] = answer; });
    try {
      store.setItem(data.key, JSON.stringify(given));
    } catch {
      kept = false;
    }
  }

  function recall() {
    let given = {};
    try {
      given = JSON.parse(store?.getItem(data.key) ?? "{}") ?? {};
    } catch {
      return 0;
    }
    let count = 0;
    data.questions.forEach((question, index) => {
      if (byAnswer.has(given[question.id])) {
        answers[index] = given[question.id];
        count += 1;
      }
    });
    return count;
  }

  const say = (text) => { find("said").textContent = text; };
  const answered = () => answers.filter(Boolean).length;

  function show(index) {
    current = Math.min(Math.max(index, 0), articles.length - 1);
    articles.forEach((article, i) => { article.hidden = i !== current; });
    draw();
    reveal(steps[current]);
  }

  /** Scrolls the list of numbers, and nothing else, so that one of them is seen. */
  function reveal(one) {
    const list = one.closest("ol"), top = one.offsetTop - list.offsetTop;
    if (top < list.scrollTop || top + one.offsetHeight > list.scrollTop + list.clientHeight) list.scrollTop = top;
  }

  function draw() {
    const { shares, guess } = data.questions[current];
    steps.forEach((step, i) => {
      const colour = byAnswer.get(answers[i])?.dataset.colour;
      step.classList.toggle("answered", Boolean(answers[i]));
      if (colour) step.style.setProperty("--answer", colour); else step.style.removeProperty("--answer");
      if (i === current) step.setAttribute("aria-current", "true"); else step.removeAttribute("aria-current");
      step.setAttribute("aria-label", `Question ${data.questions[i].id}, ${answers[i] ? `answered: ${answers[i]}` : "not answered"}`);
      dots[i].style.stroke = answers[i] ? colour ?? "#8a8f94" : "";
    });
    choices.forEach((choice) => {
      const name = choice.dataset.answer, share = choice.querySelector(".share");
      choice.setAttribute("aria-pressed", String(answers[current] === name));
      if (share) {
        share.textContent = shares[name] ?? "";
        share.classList.toggle("guess", name === guess);
      }
    });
    bringIntoView(byAnswer.get(answers[current]) ?? byAnswer.get(guess));
    const at = dots[current].getAttribute("d");
    for (const id of ["ring-under", "ring", "ring-dot"]) find(id).setAttribute("d", at);
    find("progress").value = answered();
    find("count").textContent = `${answered()} of ${answers.length} answered`;
    find("back").disabled = current === 0;
    find("on").disabled = current === articles.length - 1;
    find("clear").disabled = !answers[current];
    find("undo").disabled = !history.length;
  }

  /** Scroll the list of classes, and nothing else, so that a choice can be seen. */
  function bringIntoView(choice) {
    const list = choice?.closest(".choices");
    if (!list) return;
    const { top, bottom } = choice.getBoundingClientRect(), frame = list.getBoundingClientRect();
    if (top < frame.top) list.scrollTop += top - frame.top - 4;
    else if (bottom > frame.bottom) list.scrollTop += bottom - frame.bottom + 4;
  }

  function put(index, answer) {
    answers[index] = answer;
    unsaved = true;
    remember();
  }

  /** The next question without an answer, from the current one on and then from the start; the same one if none is left. */
  function next() {
    for (let i = 1; i <= answers.length; i += 1) {
      const index = (current + i) % answers.length;
      if (!answers[index]) return index;
    }
    return current;
  }

  function answer(name) {
    const number = data.questions[current].id;
    history.push({ index: current, before: answers[current] });
    put(current, name);
    if (answered() === answers.length) {
      show(current);
      say(`${number}: ${name}. All questions are answered: save the file.`);
      return;
    }
    show(next());
    say(`${number}: ${name}. Now question ${data.questions[current].id}.`);
  }

  function clear() {
    if (!answers[current]) return;
    history.push({ index: current, before: answers[current] });
    put(current, "");
    show(current);
    say(`Question ${data.questions[current].id} has no answer now.`);
  }

  function undo() {
    const last = history.pop();
    if (!last) return;
    put(last.index, last.before);
    show(last.index);
    say(`Taken back: question ${data.questions[current].id} ${last.before ? `is ${last.before} again` : "has no answer now"}.`);
  }

  function move(by) {
    const to = current + by;
    if (to < 0 || to >= articles.length) return;
    show(to);
    say(`Question ${data.questions[to].id}, ${answers[to] || "not answered"}.`);
  }

  function save() {
    const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const lines = data.questions.map(({ cells }, i) => cells.map((cell, column) => (column === ANSWER ? answers[i] : cell)));
    const text = [data.columns, ...lines].map((line) => `${line.map(quoted).join(",")}\n`).join("");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
    link.download = data.file;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    unsaved = false;
    say(`${data.file} has ${answered()} of ${answers.length} answers.`);
  }

  /** Moves the focus up or down in the list of answers. */
  function step(by) {
    const shown = choices.filter((choice) => !choice.closest("li").hidden);
    const at = shown.indexOf(document.activeElement);
    shown[at < 0 ? (by > 0 ? 0 : shown.length - 1) : (at + by + shown.length) % shown.length]?.focus();
  }

  function filter() {
    const wanted = search.value.trim().toLocaleLowerCase();
    choices.forEach((choice) => {
      if (choice.dataset.colour) choice.closest("li").hidden = !choice.dataset.answer.toLocaleLowerCase().includes(wanted);
    });
  }

  function leaveSearch() {
    search.value = "";
    filter();
    search.blur();
  }

  choices.forEach((choice) => choice.addEventListener("click", (event) => {
    if (event.detail < 2) answer(choice.dataset.answer); // the second of a double click is not meant for the next question
  }));
  [...steps, ...dots].forEach((mark) => mark.addEventListener("click", () => move(Number(mark.dataset.index) - current)));
  find("back").addEventListener("click", () => move(-1));
  find("on").addEventListener("click", () => move(1));
  find("clear").addEventListener("click", clear);
  find("undo").addEventListener("click", undo);
  find("save").addEventListener("click", save);
  search?.addEventListener("input", filter);
  search?.addEventListener("keydown", (event) => {
    const first = choices.find((choice) => choice.dataset.colour && !choice.closest("li").hidden);
    if (event.key === "Enter" && search.value.trim() && first) {
      leaveSearch();
      answer(first.dataset.answer);
    } else if (event.key === "Escape") {
      leaveSearch();
    } else {
      return;
    }
    event.preventDefault();
  });

  const KEYS = {
    ArrowLeft: () => move(-1), ArrowRight: () => move(1), ArrowUp: () => step(-1), ArrowDown: () => step(1),
    Backspace: clear, Delete: clear, u: undo, s: save,
  };

  /** The key that was pressed, in lower case; a letter of another script is the Latin one on the same key. */
  function plain({ key, code }) {
    if (key.length !== 1) return key;
    return key > "~" && code.startsWith("Key") ? code[3].toLowerCase() : key.toLowerCase();
  }

  document.addEventListener("keydown", (event) => {
    if (event.target === search || event.altKey) return;
    const key = plain(event);
    let done;
    if (event.ctrlKey || event.metaKey) done = key === "z" ? undo : key === "s" ? save : undefined;
    else if (key === "/" && search) done = () => search.focus();
    else if (KEYS[key]) done = KEYS[key];
    else if (byKey.has(key) && !event.repeat) done = () => answer(byKey.get(key).dataset.answer);
    if (!done) return;
    event.preventDefault();
    done();
  });
  addEventListener("beforeunload", (event) => {
    if (unsaved && !kept) event.preventDefault();
  });

  const restored = recall();
  show(restored ? answers.findIndex((one) => !one) : 0);
  if (restored) say(`${restored} answers from your last visit are back.`);
  else if (!kept) say("This browser keeps no answers for you: save the file before you close the page.");
})();
