// Saves a form while somebody answers it: soon after an answer, never later than the pace below; one save at a time.
// It sends the fields the form would send. Two devices: the second to save is refused by version, and shows both.
const SOON = 300; // after an answer
const AT_LATEST = 1500; // while answers keep coming
const RETRY = 1000;
const SLOW = 2000; // without an answer: say so
const GIVE_UP = 5000;
const form = document.getElementById("answers");
const words = document.getElementById("words").dataset;
const state = document.getElementById("state");
const notice = document.getElementById("notice");
const urgent = document.getElementById("urgent");
const compare = form.querySelector('button[value="compare"]');
const field = (name) => form.elements.namedItem(name);

let changed = 0; // when the oldest answer not sent yet was given
let timer = 0;
let saving = null; // the save under way
let doubts = []; // what was sent and never answered: it may have been kept, or may still be
let stopped = false; // both versions must be looked at first, or it is not ours to save any more
let heardAt = Date.now();

// -- what the form says

function fields() {
  const found = {};
  for (const [name, value] of new FormData(form)) {
    if (name.startsWith("c:") || (name.startsWith("a:") && value !== "")) found[name] = value;
  }
  return found;
}

function body(sent) {
  return JSON.stringify({
    instrument: field("instrument").value,
    instrument_version: Number(field("instrument_version").value),
    kept: JSON.parse(field("kept").value),
    fields: sent,
  });
}

// -- saving

function touch() {
  if (stopped) return;
  say(words.typing);
  changed ||= Date.now();
  clearTimeout(timer);
  timer = setTimeout(save, Math.max(0, Math.min(SOON, changed + AT_LATEST - Date.now())));
}

async function save(leaving = false) {
  clearTimeout(timer);
  if (saving && !leaving) return saving;
  if (!changed || stopped) return;
  changed = 0;
  saving = send(fields(), leaving);
  await saving;
  saving = null;
  if (changed && !stopped) timer = setTimeout(save, doubts.length ? RETRY : Math.min(SOON, Math.max(0, changed + SOON - Date.now())));
}

async function send(sent, leaving) {
  if (!doubts.length) say(words.saving);
  try {
    if (doubts.length && !(await settle())) return;
    doubts.push(sent);
    const answer = await call("PUT", body(sent), leaving);
    if (answer.status >= 500) throw new Error("later");
    const heard = await answer.json();
    if (answer.status === 412) return await settle(true);
    if (answer.status === 401 || answer.status === 403) return ended();
    // the version has moved on, so nothing sent before can be kept any more
    doubts = [];
    if (answer.ok) return saved(heard);
    if (heard.flags || heard.help) raise(heard.flags, heard.help);
    if (answer.status === 409) return stop(heard.code === "assessment_not_draft" ? words.closed : heard.detail, false);
    say("");
    warn(answer.status === 422 ? words.rejected : words.offline);
  } catch {
    changed ||= Date.now();
    warn(words.offline);
    say("");
  }
}

// What stands there now: our own words, whose answer never came, or somebody else's?
async function settle(stale = false) {
  const answer = await call("GET");
  if (answer.status === 401) return ended();
  if (!answer.ok) throw new Error("later");
  const kept = await answer.json();
  if (kept.account !== form.dataset.account) return ended();
  field("form_token").value = kept.form_token;
  if (kept.version !== Number(field("version").value)) {
    if (!kept.draft) return stop(words.closed, false);
    if (!doubts.some((sent) => same(kept.fields, sent))) return stop(words.changed, true);
    field("version").value = kept.version;
  }
  if (stale) changed ||= Date.now();
  return true;
}

function same(kept, sent) {
  const given = (all) => JSON.stringify(Object.entries(all).filter(([name]) => name.startsWith("a:")).sort());
  return given(kept) === given(sent);
}

async function call(method, content, leaving = false) {
  const headers = { "Form-Token": field("form_token").value };
  if (content) Object.assign(headers, { "Content-Type": "application/json", "If-Match": `"${field("version").value}"` });
  const signal = leaving ? undefined : AbortSignal.timeout(GIVE_UP);
  const slow = setTimeout(() => warn(words.offline), SLOW);
  try {
    return await fetch(form.dataset.draft, { method, headers, body: content, keepalive: leaving, signal, cache: "no-store" });
  } finally {
    clearTimeout(slow);
  }
}

function saved(heard) {
  heardAt = Date.now();
  field("version").value = heard.version;
  warn("");
  if (!changed) say(words.savedAt.replace("{when}", heard.saved_at));
  raise(heard.flags, heard.help);
}

function ended() {
  changed ||= Date.now();
  if (!doubts.length) doubts.push(fields());
  say("");
  warn(words.ended, "/sign-in");
  return false;
}

function stop(text, both) {
  stopped = true;
  say("");
  warn(text);
  compare.hidden = !both;
  if (both) compare.focus();
  return false;
}

// -- what is said

function say(text) {
  if (state.textContent !== text) state.textContent = text;
}

function warn(text, link) {
  if (notice.dataset.said === text) return;
  notice.dataset.said = text;
  notice.replaceChildren();
  if (!text) return;
  const box = make("div", "alert alert-warning");
  const words = make("p", "", text);
  box.append(words);
  if (link) {
    const way = make("a", "tap", link);
    Object.assign(way, { href: link, target: "_blank", rel: "noopener" });
    box.append(way);
  }
  notice.append(box);
}

// What an answer raised stays on the page, corrected or not: a person closes it, not another answer.
const raised = new Set();
function raise(flags, help) {
  for (const flag of flags || []) {
    if (flag.severity === "form") continue;
    const box = make("div", flag.severity === "urgent" ? "alert alert-error" : "alert alert-warning");
    const step = make("p", "");
    step.append(make("strong", "", words.next), ` ${flag.next_step}`);
    box.append(make("h2", "alert-title", flag.message), step);
    show(flag.message, box);
  }
  if (!help) return;
  const box = make("div", "alert alert-error");
  const list = make("ul", "contacts");
  for (const one of help.contacts) {
    const call = make("a", "", one.phone);
    call.href = `tel:${one.phone}`;
    const line = make("li", "", `${one.name}: `);
    line.append(call);
    list.append(line);
  }
  box.append(make("h2", "alert-title", words.helpTitle), make("p", "", help.words), list);
  show(words.helpTitle, box);
}

function show(title, box) {
  if (raised.has(title)) return;
  raised.add(title);
  urgent.append(box);
  urgent.classList.add("urgent-now");
}
for (const title of urgent.querySelectorAll(".alert-title")) raised.add(title.textContent);

function make(kind, classes, text) {
  const made = document.createElement(kind);
  if (classes) made.className = classes;
  if (text) made.textContent = text;
  return made;
}

// -- questions that are asked only sometimes: hidden while certainly not, shown while nobody knows

function answerOf(key) {
  const group = [...form.querySelectorAll(`fieldset[data-key="${CSS.escape(key)}"]`)].find((one) => !one.hidden);
  if (!group) return 0;
  const chosen = [...group.querySelectorAll("input:checked")].map((one) => one.value);
  if (chosen.length === 0) return null;
  if (chosen.includes("declined")) return "declined";
  const single = group.querySelector("input[type=radio]");
  return single ? Number(chosen[0]) : chosen.filter((one) => one !== group.dataset.exclusive).length;
}

function truth(rule) {
  if (rule.any_of) {
    return either(rule.any_of.map((key) => {
      const answer = answerOf(key);
      if (answer === null) return rule.unanswered || null;
      if (answer === "declined") return rule.declined || null;
      if (rule.at_least === null && rule.at_most === null) return false;
      return (rule.at_least === null || answer >= rule.at_least) && (rule.at_most === null || answer <= rule.at_most);
    }));
  }
  if (rule.any) return either(rule.any.map(truth));
  if (rule.all) {
    const parts = rule.all.map(truth);
    return parts.includes(false) ? false : parts.includes(null) ? null : true;
  }
  return null;
}

function either(parts) {
  return parts.includes(true) ? true : parts.includes(null) ? null : false;
}

function ask() {
  for (const question of form.querySelectorAll("fieldset[data-asked]")) {
    // disabled too: what is not asked is not sent, and is there again when it is asked after all
    question.disabled = question.hidden = truth(JSON.parse(question.dataset.asked)) === false;
  }
}

// -- the form

form.addEventListener("change", async (event) => {
  const group = event.target.closest("fieldset");
  if (event.target.type === "checkbox" && event.target.checked) {
    const alone = [group.dataset.exclusive, "declined"];
    for (const other of group.querySelectorAll("input:checked")) {
      if (other !== event.target && (alone.includes(other.value) || alone.includes(event.target.value))) other.checked = false;
    }
  }
  ask();
  touch();
  if ("reloads" in event.target.dataset) {
    await save();
    if (!changed && !stopped) location.reload();
  }
});
form.addEventListener("input", (event) => {
  if (event.target.type === "number") touch();
});

// What is not saved yet goes first; else the form would carry a version that is its own past.
form.addEventListener("submit", async (event) => {
  const submitter = event.submitter;
  if ((submitter && submitter.value === "compare") || !(saving || changed || stopped)) return;
  event.preventDefault();
  if (saving) await saving;
  if (changed) await save();
  if (!(saving || changed || stopped)) form.requestSubmit(submitter);
});
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden" && changed && !saving) save(true);
  if (document.visibilityState === "visible" && changed) touch();
});
addEventListener("online", touchIfChanged);
function touchIfChanged() {
  if (changed) touch();
}

// Two minutes before the session ends for want of use, say so; staying is one press.
setInterval(() => {
  const idle = Number(form.dataset.idle) * 1000 - (Date.now() - heardAt);
  if (stopped || idle > 120000 || notice.dataset.said === words.soon) return;
  warn(words.soon);
  const stay = make("button", "button", words.stay);
  stay.type = "button";
  stay.addEventListener("click", touch);
  notice.firstChild.append(stay);
}, 5000);

ask();
form.querySelector('button[value="save"]').hidden = true;
document.documentElement.classList.add("scripted");
