"use strict";
(() => {
  // The page may be mounted anywhere, with or without a slash at the end.
  const root = location.pathname.replace(/\/*$/, "/");
  const TOKEN = "snapdump.token";
  const POLL_MS = 2000;
  const LOOK_MS = 10000;

  const by = (id) => document.getElementById(id);
  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };
  const show = (element, visible) => { element.hidden = !visible; };
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));

  // The focus: whoever works by keyboard or ear must not be sent back to the top by what changes.
  const isThere = (element) => Boolean(element) && element.getClientRects().length > 0;
  /** A button of the list, by the backup and the action that its label names. */
  const buttonOf = (label) => label
    && [...by("rows").querySelectorAll("button")].find((one) => one.getAttribute("aria-label") === label);
  /** Gives the focus to an element, or to what is in its place now, or else to the first that is there. */
  function focusOn(element, ...others) {
    const places = [element, buttonOf(element.getAttribute("aria-label")), ...others, by("create")];
    places.find(isThere)?.focus();
  }
  /** Changes the page; the focus goes elsewhere only if what has it goes. */
  function keepFocus(change, ...others) {
    const had = document.activeElement;
    change();
    const has = document.activeElement;
    if (had !== document.body && (has === document.body || !isThere(has))) focusOn(had, ...others);
  }
  /** A button that can no longer be pressed keeps the focus, as one that is disabled would not. */
  const lock = (button, locked) => button.setAttribute("aria-disabled", String(locked));
  const isLocked = (button) => button.getAttribute("aria-disabled") === "true";

  // Numbers, sizes and times for people.
  const grouped = (number) => Number(number).toLocaleString();
  function size(bytes) {
    const units = ["bytes", "kB", "MB", "GB", "TB", "PB"];
    let unit = 0;
    while (bytes >= 999.5 && unit < units.length - 1) { bytes /= 1000; unit += 1; }
    const digits = unit === 0 || bytes >= 99.95 ? 0 : 1;
    return `${bytes.toLocaleString(undefined, { maximumFractionDigits: digits })} ${units[unit]}`;
  }
  function duration(seconds) {
    if (seconds < 9.95) return `${seconds.toLocaleString(undefined, { maximumFractionDigits: 1 })} s`;
    const whole = Math.round(seconds);
    if (whole < 60) return `${whole} s`;
    if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
    return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  }
  const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);
  const plural = (count, one) => `${grouped(count)} ${one}${count === 1 ? "" : "s"}`;
  const dates = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
  function ago(time) {
    const seconds = (time - Date.now()) / 1000;
    const steps = [["second", 60], ["minute", 60], ["hour", 24], ["day", 30], ["month", 12]];
    let value = seconds;
    for (const [unit, next] of steps) {
      if (Math.abs(value) < next) return relative.format(Math.trunc(value), unit);
      value /= next;
    }
    return relative.format(Math.trunc(value), "year");
  }
  const KINDS = { manual: "manual", restore_point: "restore point", foreign: "other file" };
  const STATES = {
    running: "running", completed: "completed", failed: "failed", cancelled: "cancelled",
    timed_out: "timed out", interrupted: "interrupted",
  };
  const isOver = (status) => status.status !== "running";

  // ---- Requests

  /** What the server refused, with its error name and its answer. */
  class Refused extends Error {
    constructor(status, body) {
      super((body && body.message) || `The server answered ${status}.`);
      this.status = status;
      this.body = body || {};
    }
  }

  function headers(more = {}) {
    const token = sessionStorage.getItem(TOKEN);
    return {
      Accept: "application/json",
      "X-Requested-With": "snapdump",
      ...(token ? { Authorization: `Bearer ${token}` } : {}),
      ...more,
    };
  }

  async function send(method, path, body, signal) {
    const answer = await fetch(root + path, {
      method,
      signal,
      credentials: "same-origin",
      cache: "no-store",
      headers: headers(body === undefined ? {} : { "Content-Type": "application/json" }),
      body: body === undefined ? undefined : JSON.stringify(body),
    }).catch((error) => {
      if (error.name === "AbortError") throw error;
      throw new Error("The server cannot be reached.");
    });
    if (answer.ok) return answer;
    const refused = new Refused(answer.status, await answer.json().catch(() => null));
    if (answer.status === 401 || answer.body === null) signedOut(answer);
    if (answer.status === 403 && refused.body.error === "FORBIDDEN") shutOut(refused.message);
    throw refused;
  }
  const get = async (path, signal) => (await send("GET", path, undefined, signal)).json();
  const call = async (method, path, body) => (await send(method, path, body)).json();

  // ---- Who is there

  function signedOut(answer) {
    const asked = (answer.headers.get("WWW-Authenticate") || "").toLowerCase();
    stopFollowing();
    if (!asked.startsWith("bearer")) {
      return shutOut("You are not signed in. Sign in to the application, then load this page again.");
    }
    const had = sessionStorage.getItem(TOKEN) !== null;
    sessionStorage.removeItem(TOKEN);
    show(by("content"), false);
    show(by("refused"), false);
    show(by("sign-out"), false);
    by("summary").textContent = "";
    if (by("dialog").open) by("dialog").close();
    show(by("sign-in"), true);
    by("sign-in-error").textContent = had ? "The server does not know this token." : "";
    by("token").focus();
  }

  function shutOut(message) {
    stopFollowing();
    show(by("content"), false);
    show(by("sign-in"), false);
    by("refused").textContent = message;
    show(by("refused"), true);
    show(by("sign-out"), sessionStorage.getItem(TOKEN) !== null);
  }

  by("sign-in-form").addEventListener("submit", (event) => {
    event.preventDefault();
    sessionStorage.setItem(TOKEN, by("token").value.trim());
    by("token").value = "";
    start();
  });
  by("sign-out").addEventListener("click", () => {
    sessionStorage.removeItem(TOKEN);
    location.reload();
  });

  // ---- The list

  const PAGE = 20;
  /** The most backups of one answer. */
  const MOST = 1000;
  /** How many backups are shown, if there are as many. */
  let wanted = PAGE;
  /** The rows that are shown, by everything that is known of their backups. */
  let drawn = new Map();
  /** How often the list was asked for: an answer that is late does not replace a newer one. */
  let loads = 0;

  /** A name that breaks behind its underscores, not inside of its dates. */
  const breakable = (name) => name.split(/(?<=_)/).flatMap((part) => [
    make("span", { className: part.length < 24 ? "part" : "", textContent: part }), make("wbr"),
  ]);

  function row(backup) {
    const time = new Date(backup.created_at);
    const button = (text, kind, action) => {
      const element = make("button", { type: "button", className: kind, textContent: text });
      element.setAttribute("aria-label", `${text} ${backup.filename}`);
      element.addEventListener("click", () => action(backup, element));
      return element;
    };
    const cell = (className, ...children) => {
      const element = make("td", { className }, ...children);
      element.setAttribute("role", "cell");
      return element;
    };
    const tables = cell("number tables",
      backup.table_count === null ? "–" : grouped(backup.table_count));
    tables.dataset.unit = backup.table_count === 1 ? " table" : " tables";
    if (backup.table_count === null) tables.title = "Only a restore counts the tables of such a file";
    const when = make("time", { dateTime: backup.created_at, textContent: dates.format(time) });
    when.title = `${time.toISOString().slice(0, 19).replace("T", " ")} UTC`;
    const bytes = cell("number", size(backup.size_bytes));
    bytes.title = `${grouped(backup.size_bytes)} bytes`;
    const element = make("tr", {},
      cell("name", ...breakable(backup.filename)),
      cell("", make("span", {
        className: `kind ${backup.kind}`, textContent: KINDS[backup.kind] || backup.kind,
      })),
      cell("date", when, make("small", { textContent: ago(time) })),
      tables,
      bytes,
      cell("actions",
        button("Download", "", download),
        button("Restore", "", askRestore),
        button("Delete", "drop", askDelete)));
    element.setAttribute("role", "row");
    return element;
  }

  /** Puts the list in place; the row of a backup that is as it was stays what it is. */
  function drawList(backups, { total_count: count, total_size_bytes: bytes }) {
    const [rows, before] = [by("rows"), drawn];
    drawn = new Map(backups.map((backup) => {
      const facts = JSON.stringify(backup);
      return [facts, before.get(facts) || row(backup)];
    }));
    for (const [facts, element] of before) if (!drawn.has(facts)) element.remove();
    [...drawn.values()].forEach((element, at) => {
      if (rows.children[at] !== element) rows.insertBefore(element, rows.children[at] || null);
      const time = element.querySelector("time");
      time.nextSibling.textContent = ago(new Date(time.dateTime));
    });
    by("summary").textContent = count === 0 ? "" : `${plural(count, "backup")}, ${size(bytes)}`;
    show(by("list"), count > 0);
    show(by("empty"), count === 0);
    show(by("more"), backups.length < count);
    show(by("list-failed"), false);
  }

  /** Loads as much of the list as is wanted; `goal` finds what is to have the focus then. */
  async function loadList(goal = () => null) {
    loads += 1;
    const mine = loads;
    try {
      const backups = [];
      let part;
      do {
        const limit = Math.min(wanted - backups.length, MOST);
        part = await get(`api/backup/list?limit=${limit}&offset=${backups.length}&sort=newest`);
        backups.push(...part.data);
      } while (part.links.next !== null && backups.length < wanted);
      if (mine !== loads) return;
      keepFocus(() => {
        drawList(backups, part.meta);
        goal()?.focus();
      });
    } catch (error) {
      if (error.status === 401 || error.status === 403 || mine !== loads) return;
      by("list-error").textContent = `The list could not be loaded. ${sentence(error.message)}.`;
      show(by("list"), by("rows").children.length > 0);
      show(by("list-failed"), true);
    }
  }
  by("more").addEventListener("click", async () => {
    const before = by("rows").children.length;
    wanted = before + PAGE;
    // The first of the new rows is where one reads on.
    await loadList(() => by("rows").children[before]?.querySelector("button"));
  });
  by("retry").addEventListener("click", () => loadList());

  const notice = (text) => { by("notice").textContent = sentence(text); };

  // The browser itself writes the file: nothing of it is held in the page, however large it is. The
  // address that it is given holds for this file and for a minute.
  async function download(backup) {
    notice("");
    try {
      const name = encodeURIComponent(backup.filename);
      const ticket = await call("POST", `api/backup/download/${name}/ticket`);
      const link = make("a", {
        href: `${root}api/backup/download/${name}?ticket=${encodeURIComponent(ticket.ticket)}`,
        download: backup.filename,
      });
      document.body.append(link);
      link.click();
      link.remove();
    } catch (error) {
      notice(`${backup.filename} could not be downloaded. ${error.message}`);
    }
  }

  // ---- The dialogue before something is lost

  let question = null;

  function ask(options, opener) {
    question = { ...options, opener };
    by("dialog-title").textContent = options.title;
    by("dialog-file").textContent = options.file;
    by("dialog-text").replaceChildren(...options.text.map((text) => make("p", { textContent: text })));
    show(by("dialog-mode"), options.modes === true);
    by("dialog-form").reset();
    by("dialog-label").textContent = `Type ${options.word} to go on`;
    by("dialog-go").textContent = options.go;
    by("dialog-go").disabled = true;
    by("dialog-error").textContent = "";
    by("dialog").showModal();
    by("dialog-word").focus();
  }
  by("dialog-word").addEventListener("input", () => {
    by("dialog-go").disabled = by("dialog-word").value !== question.word;
  });
  by("dialog-close").addEventListener("click", () => by("dialog").close());
  by("dialog").addEventListener("close", () => {
    // The event comes a moment later: the next question may be there already.
    if (by("dialog").open || !question) return;
    focusOn(question.opener);
    question = null;
  });
  by("dialog-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!question || by("dialog-word").value !== question.word) return;
    const asked = question;
    by("dialog-go").disabled = true;
    by("dialog-error").textContent = "";
    try {
      await asked.act();
      if (question === asked) by("dialog").close();
      asked.then();
    } catch (error) {
      by("dialog-error").textContent = sentence(error.message);
      by("dialog-go").disabled = by("dialog-word").value !== asked.word;
      by("dialog-word").focus();
    }
  });

  function facts(backup) {
    const tables = backup.table_count === null ? [] : [plural(backup.table_count, "table")];
    return [dates.format(new Date(backup.created_at)), size(backup.size_bytes), ...tables].join(", ");
  }

  function askRestore(backup, opener) {
    let started = null;
    ask({
      title: "Restore this backup?",
      file: backup.filename,
      text: [
        facts(backup),
        "The tables in the backup replace those in the database. First, what is in the database now "
          + "is saved as a restore point and verified; without it nothing is changed. A restore that "
          + "fails or is cancelled puts the restore point back.",
      ],
      modes: true,
      word: "RESTORE",
      go: "Restore",
      act: async () => {
        const mode = by("dialog-form").elements.mode.value;
        started = await call("POST", "api/backup/restore", { filename: backup.filename, mode });
      },
      then: () => follow(started.job_id, true),
    }, opener);
  }

  function askDelete(backup, opener) {
    ask({
      title: "Delete this backup?",
      file: backup.filename,
      text: [facts(backup), "It cannot be brought back."],
      word: "DELETE",
      go: "Delete",
      act: async () => {
        const path = `api/backup/delete/${encodeURIComponent(backup.filename)}`;
        await call("DELETE", path, { confirm: "DELETE" });
      },
      then: async () => {
        say(`${backup.filename} is deleted.`);
        await loadList();
      },
    }, opener);
  }

  // ---- Jobs

  let following = null;
  let shown = null;
  let spoken = "";

  const say = (text) => {
    if (text !== spoken) { spoken = text; by("spoken").textContent = text; }
  };

  function stopFollowing() {
    if (following) following.abort.abort();
    following = null;
  }

  by("create").addEventListener("click", async () => {
    notice("");
    try {
      const started = await call("POST", "api/backup/create");
      follow(started.job_id, true);
    } catch (error) {
      notice(error.message);
      if (error.body && error.body.existing_job_id) follow(error.body.existing_job_id, false);
    }
  });
  by("job-cancel").addEventListener("click", async () => {
    if (isLocked(by("job-cancel"))) return;
    lock(by("job-cancel"), true);
    try {
      await call("POST", `api/jobs/${encodeURIComponent(shown)}/cancel`);
    } catch (error) {
      notice(error.message);
      lock(by("job-cancel"), false);
    }
  });
  by("job-dismiss").addEventListener("click", () => {
    show(by("job"), false);
    shown = null;
    by("create").focus();
  });

  const DOING = { create: "Backing up", restore: "Restoring", verify: "Verifying", roll_back: "Rolling back" };
  const DONE = { create: "Backup", restore: "Restore", verify: "Verification", roll_back: "Roll-back" };

  function title(status) {
    const file = status.filename ? ` ${status.filename}` : "";
    if (!isOver(status)) return `${DOING[status.kind] || status.kind}${file}`;
    return `${DONE[status.kind] || status.kind} ${STATES[status.status] || status.status}`;
  }

  function pairs(status) {
    const p = status.progress;
    const of = (done, total) => (total > 0 ? `${grouped(done)} of ${grouped(total)}` : grouped(done));
    const list = [];
    if (!isOver(status)) {
      if (p.percent !== null) list.push(["Done", `${Math.floor(p.percent)} %`]);
      if (p.tables_done > 0 || p.tables_total > 0) list.push(["Tables", of(p.tables_done, p.tables_total)]);
      if (p.rows_done > 0) list.push(["Rows", grouped(p.rows_done)]);
      const bytes = p.bytes_written || p.bytes_done;
      if (bytes > 0) list.push([p.bytes_written ? "Written" : "Read", size(bytes)]);
      if (p.bytes_per_second > 0) list.push(["Rate", `${size(p.bytes_per_second)}/s`]);
      if (p.remaining_seconds !== null) list.push(["Time left", `about ${duration(p.remaining_seconds)}`]);
    }
    list.push(["Time", duration(status.elapsed_seconds)]);
    return list;
  }

  /** What a completed job has made. */
  function made(status) {
    const result = status.result || {};
    const parts = [];
    if (result.table_count !== undefined) parts.push(plural(result.table_count, "table"));
    if (result.row_count !== undefined) parts.push(plural(result.row_count, "row"));
    if (result.statement_count !== undefined) parts.push(plural(result.statement_count, "statement"));
    if (result.size_bytes !== undefined) parts.push(size(result.size_bytes));
    if (status.restore_point) parts.push(`what was there before is in ${status.restore_point}`);
    return parts.join(", ");
  }

  function outcome(status) {
    if (status.status === "completed") return made(status);
    if (!isOver(status)) return "";
    const why = status.error
      ? `${sentence(status.error.details.cause)} (${status.error.error}).` : "Its process died.";
    const after = {
      untouched: " Nothing was changed.",
      rolled_back: " Everything is as it was before.",
      partial: " The database is between before and after.",
      superseded: " A later job has restored the database.",
      accepted: " The database was taken as it was left.",
    }[status.target] || "";
    return why + after;
  }

  function draw(status) {
    const over = isOver(status);
    const box = by("job");
    const appears = shown !== status.job_id || box.hidden;
    shown = status.job_id;
    box.className = status.status;
    by("job-title").textContent = title(status);
    by("job-step").textContent = over ? status.filename || "" : status.step;
    by("job-detail").textContent = outcome(status);
    by("job-warnings").replaceChildren(...(over ? status.warnings : []).map((text) =>
      make("li", { textContent: text })));
    by("job-facts").replaceChildren(...pairs(status).map(([name, value]) => make("div", {},
      make("dt", { textContent: name }), make("dd", { textContent: value }))));
    const bar = by("job-bar");
    if (status.progress.percent === null) bar.removeAttribute("value");
    else bar.value = Math.round(status.progress.percent * 10);
    keepFocus(() => {
      show(bar, !over);
      show(by("job-cancel"), !over);
      show(by("job-dismiss"), over);
      show(box, true);
    }, over && by("job-dismiss"));
    if (appears) lock(by("job-cancel"), false);
    if (status.stopping) lock(by("job-cancel"), true);
    say(over ? `${title(status)}. ${outcome(status)}` : `${title(status)}: ${status.phase}`);
  }

  /** Shows a job until it is over, by events as long as they come, otherwise by asking. */
  async function follow(id, scroll) {
    if (following && following.id === id) return;
    stopFollowing();
    const mine = { id, abort: new AbortController() };
    following = mine;
    const take = (status) => {
      if (following !== mine) return true;
      draw(status);
      if (scroll) { by("job").scrollIntoView({ block: "nearest" }); scroll = false; }
      return isOver(status);
    };
    let over = false;
    while (!over && following === mine) {
      try {
        over = await readEvents(id, mine.abort.signal, take)
          || take(await get(`api/jobs/${encodeURIComponent(id)}/status`, mine.abort.signal));
      } catch (error) {
        if (following !== mine) return;
        if (error.status === 404) break;
        by("job-step").textContent = error.message;
      }
      if (!over) await wait(POLL_MS);
    }
    if (following !== mine) return;
    following = null;
    await Promise.all([loadList(), loadPast()]);
  }

  /** Reads server-sent events; `EventSource` could not send the token. True when the job is over. */
  async function readEvents(id, signal, take) {
    const answer = await send("GET", `api/jobs/${encodeURIComponent(id)}/events`, undefined, signal);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { value, done } = await reader.read().catch((error) => {
        if (signal.aborted) throw error;
        return { done: true };
      });
      if (done) return false;
      text += value;
      for (let end; (end = text.indexOf("\n\n")) >= 0; text = text.slice(end + 2)) {
        const data = text.slice(0, end).split("\n")
          .filter((line) => line.startsWith("data:")).map((line) => line.slice(5)).join("\n");
        if (data && take(JSON.parse(data))) {
          reader.cancel().catch(() => {});
          return true;
        }
      }
    }
  }

  // ---- Restores that were left half done

  let unsettled = "";

  function drawHalfDone(restores) {
    // Whoever has the focus on a button of it keeps that.
    const ids = restores.map((status) => status.job_id).join();
    if (ids === unsettled) return;
    unsettled = ids;
    const sections = restores.map((status) => {
      const button = (text, kind, action) => {
        const element = make("button", { type: "button", className: kind, textContent: text });
        element.addEventListener("click", () => action(status, element));
        return element;
      };
      const began = dates.format(new Date(status.started_at));
      return make("section", { className: "notice bad" },
        make("h2", { textContent: "A restore was left half done" }),
        make("p", { textContent: `${title(status)}: ${status.filename}, ${began}. The database is `
          + "between before and after." }),
        make("p", { textContent: "Roll it back, or restore a backup. Until then nothing is backed up: "
          + "it would be neither what was there before nor what was to come." }),
        make("div", { className: "buttons" },
          button("Roll back", "danger", askRollBack),
          button("Keep as it is", "", askAccept)));
    });
    keepFocus(() => by("half-done").replaceChildren(...sections));
  }

  function askRollBack(status, opener) {
    let started = null;
    ask({
      title: "Roll this restore back?",
      file: status.restore_point || "",
      text: [status.restore_point
        ? "What was there before the restore comes back from its restore point. Everything that is in "
          + "the database now goes."
        : "There was nothing in the database before the restore. Everything that is in it now goes."],
      word: "ROLLBACK",
      go: "Roll back",
      act: async () => { started = await call("POST", `api/jobs/${status.job_id}/rollback`); },
      then: () => follow(started.job_id, true),
    }, opener);
  }

  function askAccept(status, opener) {
    ask({
      title: "Keep the database as it is?",
      file: status.filename,
      text: ["For a database that you have put right by hand. It is backed up again as it is, and this "
        + "restore can no longer be rolled back; its restore point stays a backup like others."],
      word: "KEEP",
      go: "Keep",
      act: async () => { await call("POST", `api/jobs/${status.job_id}/accept`); },
      then: loadPast,
    }, opener);
  }

  async function loadPast() {
    try {
      const { data, half_done: halfDone } = await get("api/jobs");
      drawHalfDone(halfDone);
      const running = data.find((status) => !isOver(status));
      if (running) follow(running.job_id, false);
      const past = data.filter(isOver);
      by("jobs").replaceChildren(...past.map((status) => make("li", {},
        make("time", {
          dateTime: status.started_at, textContent: dates.format(new Date(status.started_at)),
        }),
        make("span", { className: "what" },
          make("span", { className: status.status, textContent: title(status) }),
          ` ${[status.filename, outcome(status)].filter(Boolean).join(": ")}`))));
      show(by("past"), past.length > 0);
    } catch (error) {
      // The list says already what is wrong.
    }
  }

  // Something may have been started elsewhere.
  async function look() {
    for (;;) {
      await wait(LOOK_MS);
      if (document.hidden || following || by("content").hidden) continue;
      const before = shown;
      await loadPast();
      if (!following && before === null && !by("dialog").open) await loadList();
    }
  }

  async function start() {
    show(by("refused"), false);
    try {
      await get("api/jobs");
    } catch (error) {
      if (error.status === 401 || error.status === 403) return;
    }
    show(by("sign-in"), false);
    show(by("sign-out"), sessionStorage.getItem(TOKEN) !== null);
    show(by("content"), true);
    await Promise.all([loadList(), loadPast()]);
  }

  start();
  look();
})();
