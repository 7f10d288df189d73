// The API reference: shows openapi.json of this engine. Addresses are those of oVirt's documentation:
// #services/vms, #services/vm/methods/start, #types/vm, #types/vm/attributes/memory.
"use strict";

const MOST_FOUND = 80;
const VERBS = ["list", "get", "add", "update", "remove"];
const $ = (id) => document.getElementById(id);

function el(tag, given, ...inside) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(given || {})) if (value !== undefined) made.setAttribute(name, value);
  made.append(...inside.flat().filter((x) => x !== undefined && x !== null && x !== ""));
  return made;
}

const snake = (name) => name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toLowerCase();
const spoken = (name) => name.replace(/_/g, " ");

// Text with `code` in it.
function prose(text) {
  return text.split("`").map((part, n) => (n % 2 ? el("code", {}, part) : part));
}

class Reference {
  constructor(description) {
    this.about = description.info;
    this.all = description.components;
    this.faults = this.all.responses;
    this.services = new Map(); // name -> operations, in order
    this.texts = new Map(description.tags.map((t) => [t.name, t.description]));
    this.roots = [];
    for (const [path, at] of Object.entries(description.paths)) this.read(path, at);
    for (const found of this.services.values()) found.sort((a, b) => rank(a) - rank(b));
    this.types = new Map(Object.keys(this.all.schemas).sort().map((name) => [snake(name), name]));
  }

  read(path, at) {
    for (const [method, o] of Object.entries(at)) {
      if (method === "parameters") continue;
      const name = o.tags[0];
      const list = this.services.get(name) || this.services.set(name, []).get(name);
      const known = list.find((other) => other.name === o["x-method"]);
      if (known) known.paths.push(path);
      else list.push({ ...o, name: o["x-method"], verb: method, paths: [path], service: name });
      if (path.split("/").length === 2 && !this.roots.includes(name)) this.roots.push(name);
    }
  }

  // What a reference points to, with its type's name.
  solve(schema) {
    if (!schema || !schema.$ref) return { name: "", ...schema };
    const name = schema.$ref.split("/").pop();
    return { ...this.all[schema.$ref.split("/")[2]][name], name };
  }
}

function rank(o) {
  const at = VERBS.indexOf(o.name);
  return at < 0 ? VERBS.length : at;
}

// Parts of pages ------------------------------------------------------------------------------------------------

function badge(verb) {
  return el("span", { class: `method ${verb}` }, verb.toUpperCase());
}

function typeOf(reference, schema) {
  if (schema.$ref) {
    const name = schema.$ref.split("/").pop();
    return el("a", { href: `#types/${snake(name)}` }, name);
  }
  if (schema.type === "object" && schema.properties) {
    const [item, rows] = Object.entries(schema.properties)[0] || [];
    if (rows && rows.items) return el("span", {}, `list of ${item}: `, typeOf(reference, rows.items));
  }
  if (schema.type === "array") return el("span", {}, "list of ", typeOf(reference, schema.items));
  return el("span", {}, [schema.type || "value"].flat().join(" or "));
}

function table(titles, rows) {
  const head = el("tr", {}, titles.map((t) => el("th", { scope: "col" }, t)));
  return el("div", { class: "scroll" }, el("table", {}, el("thead", {}, head), el("tbody", {}, rows)));
}

function parameters(reference, o) {
  const found = (o.parameters || []).map((p) => (p.$ref ? reference.all.parameters[p.$ref.split("/").pop()] : p));
  if (!found.length) return [];
  const rows = found.map((p) =>
    el("tr", {}, el("td", {}, el("code", {}, p.name)), el("td", {}, p.in),
      el("td", {}, p.schema.type), el("td", {}, prose(p.description || ""))));
  return [el("h3", {}, "Parameters"), table(["Name", "In", "Kind", "Meaning"], rows)];
}

// Paths that a body must have, alternatives together: [["name"], ["cluster.id", "cluster.name"]].
function musts(schema) {
  const ways = (s, before) => (s.required || []).flatMap((name) => {
    let inner = (s.properties || {})[name];
    if (inner && inner.properties && inner.required && inner.properties[inner.required[0]].minItems) {
      inner = inner.properties[inner.required[0]].items;
    }
    return inner ? ways(inner, `${before}${name}.`) : [before + name];
  });
  return (schema.allOf || []).slice(1).map((s) => (s.anyOf || [s]).flatMap((w) => ways(w, "")));
}

function sample(wanted) {
  const made = {};
  for (const [first] of wanted) {
    let at = made;
    const parts = first.split(".");
    parts.forEach((part, n) => { at = at[part] = n + 1 < parts.length ? at[part] || {} : "…"; });
  }
  return made;
}

function asXml(value, tag, depth) {
  const pad = "  ".repeat(depth);
  if (typeof value === "string") return `${pad}<${tag}>${value}</${tag}>\n`;
  const keys = Object.keys(value).filter((k) => k !== "id");
  const id = "id" in value ? ` id="${value.id}"` : "";
  if (!keys.length) return `${pad}<${tag}${id}/>\n`;
  return `${pad}<${tag}${id}>\n${keys.map((k) => asXml(value[k], k, depth + 1)).join("")}${pad}</${tag}>\n`;
}

function body(reference, o) {
  if (!o.requestBody) return [];
  const schema = o.requestBody.content["application/json"].schema;
  const base = schema.allOf ? schema.allOf[0] : schema;
  const type = reference.solve(base);
  const wanted = musts(schema);
  const out = [el("h3", {}, "Body")];
  if (base.$ref) out.push(el("p", {}, "A ", typeOf(reference, base), wanted.length ? " with at least:" : "; every attribute may be left out."));
  else {
    const names = Object.entries(type.properties);
    const rows = names.map(([name, s]) => el("tr", {}, el("td", {}, el("code", {}, name)), el("td", {}, typeOf(reference, s))));
    out.push(el("p", {}, "An ", el("a", { href: "#types/action" }, "action"), " of which these are read:"), table(["Attribute", "Type"], rows));
    if (wanted.length) out.push(el("p", {}, "At least:"));
  }
  if (wanted.length) {
    out.push(el("ul", {}, wanted.map((ways) => el("li", {}, ways.flatMap((w, n) => [n ? " or " : "", el("code", {}, w)])))));
  }
  const tag = (type.xml || {}).name || "action";
  const least = sample(wanted);
  if (wanted.length) out.push(el("pre", {}, el("code", {}, JSON.stringify(least, null, 2))), el("pre", {}, el("code", {}, asXml(least, tag, 0).trimEnd())));
  return out;
}

function answers(reference, o) {
  const codes = Object.entries(o.responses);
  const rows = codes.filter(([, given]) => !given.$ref).map(([code, given]) => {
    const content = (given.content || {})["application/json"];
    return el("tr", {}, el("td", {}, el("code", {}, code)), el("td", {}, content ? typeOf(reference, content.schema) : "no body"), el("td", {}, given.description));
  });
  const refused = codes.filter(([, given]) => given.$ref).flatMap(([code], n) => [n ? ", " : "", el("code", {}, code)]);
  return [el("h3", {}, "Answers"), table(["Status", "Type", "When"], rows),
    el("p", { class: "quiet" }, "Refused with ", refused, " and a ", el("a", { href: "#types/fault" }, "Fault"), ".")];
}

function operation(reference, o, aimed) {
  const id = `services/${o.service}/methods/${o.name}`;
  return el("section", { class: o.name === aimed ? "operation aimed" : "operation", id },
    el("h2", {}, el("a", { href: `#${id}` }, o.name)),
    o.paths.map((p) => el("div", { class: "path" }, badge(o.verb), el("span", {}, p.split(/(\{[^}]*\})/).map((part) => (part.startsWith("{") ? el("b", {}, part) : part))))),
    el("p", {}, prose(o.summary)), o.description ? el("p", { class: "quiet" }, prose(o.description)) : "",
    parameters(reference, o), body(reference, o), answers(reference, o));
}

// Pages ---------------------------------------------------------------------------------------------------------

function servicePage(reference, name, aimed) {
  const found = reference.services.get(name);
  if (!found) return nothing(`There is no service ${name} here.`);
  const near = [...reference.services.keys()].filter((s) => s !== name && (s === `${name}s` || `${s}s` === name));
  return [el("h1", {}, spoken(name)), el("p", {}, prose(reference.texts.get(name) || "")),
    near.length ? el("p", { class: "quiet" }, "See also ", near.flatMap((s, n) => [n ? ", " : "", el("a", { href: `#services/${s}` }, spoken(s))])) : "",
    found.map((o) => operation(reference, o, aimed))];
}

function typePage(reference, key, aimed) {
  const name = reference.types.get(key);
  if (!name) return nothing(`There is no type ${key} here.`);
  const schema = reference.all.schemas[name];
  const out = [el("h1", {}, name), schema.description ? el("p", {}, schema.description) : ""];
  if (schema.enum) return [...out, el("p", {}, "One of:"), el("ul", { class: "values" }, schema.enum.map((v) => el("li", {}, el("code", {}, String(v)))))];
  if (schema.xml) out.push(el("p", { class: "quiet" }, "In XML the element ", el("code", {}, `<${schema.xml.name}>`), "."));
  const rows = Object.entries(schema.properties || {}).map(([p, s]) =>
    el("tr", { id: `types/${key}/attributes/${p}`, class: p === aimed ? "aimed" : undefined }, el("td", {}, el("code", {}, p)), el("td", {}, typeOf(reference, s)),
      el("td", { class: "quiet" }, s.readOnly ? "in answers only" : "")));
  if (rows.length) out.push(table(["Attribute", "Type", ""], rows));
  const used = [...reference.services.values()].flat().filter((o) => JSON.stringify(o).includes(`schemas/${name}"`));
  if (used.length) out.push(el("h2", {}, "Used by"), el("ul", { class: "values" }, used.map((o) =>
    el("li", {}, el("a", { href: `#services/${o.service}/methods/${o.name}` }, `${spoken(o.service)}: ${o.name}`)))));
  return out;
}

function nothing(text) {
  return [el("h1", {}, "Not found"), el("p", {}, text), el("p", {}, el("a", { href: "#" }, "All services"))];
}

function startPage(reference) {
  const origin = location.origin;
  const names = reference.roots.filter((n) => n !== "system").sort();
  return [el("h1", {}, "API reference"), el("p", { class: "quiet" }, `Engine ${reference.about.version} · `, el("a", { href: "../api/openapi.json" }, "openapi.json"), ` · OpenAPI 3.1`),
    el("p", {}, prose(reference.about.description)),
    el("h2", {}, "Sign in"), el("p", {}, "With Basic on every request, or with a token:"),
    el("pre", {}, el("code", {}, `curl --cacert ca.pem -H 'Accept: application/json' \\\n  -d grant_type=password -d scope=ovirt-app-api \\\n  -d username=admin@internal --data-urlencode password@FILE \\\n  ${origin}/ovirt-engine/sso/oauth/token\ncurl --cacert ca.pem -H 'Authorization: Bearer TOKEN' -H 'Accept: application/json' \\\n  ${origin}/ovirt-engine/api/vms`)),
    el("h2", {}, "Collections"), el("ul", { class: "cards" }, names.map((n) => el("li", {}, el("a", { href: `#services/${n}` }, spoken(n))))),
    el("h2", {}, "Refusals"), table(["Status", "Meaning"], Object.entries(reference.faults).map(([code, f]) => el("tr", {}, el("td", {}, el("code", {}, code)), el("td", {}, f.description))))];
}

// The side --------------------------------------------------------------------------------------------------------

function contents(reference, current) {
  const item = (href, text, below) => el("li", { class: below ? "below" : undefined },
    el("a", { href, "aria-current": href.slice(1) === current ? "page" : undefined }, text));
  const roots = reference.roots.filter((n) => n !== "system").sort();
  const own = (s) => roots.filter((r) => s !== r && (`${s}s` === r || s.startsWith(`${r.replace(/s$/, "")}_`))).sort((a, b) => b.length - a.length)[0];
  const others = [];
  const below = new Map(roots.map((r) => [r, []]));
  for (const s of [...reference.services.keys()].sort()) {
    if (roots.includes(s) || s === "system") continue;
    const home = own(s);
    if (home) below.get(home).push(s);
    else others.push(s);
  }
  const open = roots.find((r) => current === `services/${r}` || below.get(r).some((s) => current === `services/${s}`));
  const rows = roots.flatMap((r) => [item(`#services/${r}`, spoken(r)),
    ...(r === open ? below.get(r).map((s) => item(`#services/${s}`, spoken(s), true)) : [])]);
  const shownTypes = current.startsWith("types/") || current === "types";
  const types = shownTypes ? [...reference.types].map(([key, name]) => item(`#types/${key}`, name)) : [item("#types", `All ${reference.types.size} types`)];
  return [el("h2", {}, "Services"), el("ul", {}, rows), el("h2", {}, "Shared services"), el("ul", {}, others.map((s) => item(`#services/${s}`, spoken(s)))),
    el("h2", {}, "Types"), el("ul", {}, types)];
}

function results(reference, text) {
  const wanted = text.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (...where) => { const all = where.join(" ").toLowerCase(); return wanted.every((w) => all.includes(w)); };
  const operations = [...reference.services.values()].flat()
    .filter((o) => fits(o.paths.join(" "), o.summary, o.name, spoken(o.service), o.operationId))
    .sort((a, b) => a.paths[0].length - b.paths[0].length);
  const types = [...reference.types].filter(([key, name]) => fits(key, name) || (wanted.length === 1 && wanted[0] in (reference.all.schemas[name].properties || {})));
  const rows = operations.slice(0, MOST_FOUND).map((o) => el("li", {}, el("a", { class: "found", href: `#services/${o.service}/methods/${o.name}` },
    badge(o.verb), el("span", {}, `${spoken(o.service)}: ${o.name}`), el("small", {}, o.paths[0]))));
  const count = (found, one, many) => `${found} ${found === 1 ? one : many}`;
  const shown = [el("h2", {}, count(operations.length, "operation", "operations")), el("ul", {}, rows)];
  return !types.length ? shown : [...shown,
    el("h2", {}, count(types.length, "type", "types")), el("ul", {}, types.slice(0, MOST_FOUND).map(([key, name]) => el("li", {}, el("a", { href: `#types/${key}` }, name))))];
}

// Moving about ----------------------------------------------------------------------------------------------------

function show(reference) {
  const [kind, name, , aimed] = decodeURIComponent(location.hash.slice(1)).split("/");
  const current = kind && name ? `${kind}/${name}` : kind;
  let page = startPage(reference);
  if (kind === "services" && name) page = servicePage(reference, name, aimed);
  else if (kind === "types" && name) page = typePage(reference, name, aimed);
  else if (kind === "types") page = [el("h1", {}, "Types"), el("ul", { class: "cards" }, [...reference.types].map(([key, t]) => el("li", {}, el("a", { href: `#types/${key}` }, t))))];
  else if (kind) page = nothing(`There is no page ${kind}.`);
  $("page").replaceChildren(...page.flat(3).filter((x) => x !== ""));
  document.title = name ? `${spoken(name)} · Ovis API` : "API reference · Ovis";
  if (!$("search").value) $("side").replaceChildren(...contents(reference, current));
  else for (const a of $("side").querySelectorAll("a")) a.toggleAttribute("aria-current", a.hash === location.hash);
  $("side").classList.remove("open");
  $("side").querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
  const target = aimed && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target) target.scrollIntoView();
  else window.scrollTo(0, 0);
}

async function begin() {
  let description;
  try {
    const answer = await fetch("../api/openapi.json");
    if (!answer.ok) throw new Error(`the engine answered ${answer.status}`);
    description = await answer.json();
  } catch (error) {
    $("page").replaceChildren(el("h1", {}, "No description"), el("p", {}, `It could not be read: ${error.message}.`));
    return;
  }
  const reference = new Reference(description);
  const find = () => {
    const text = $("search").value.trim();
    if (text) $("side").replaceChildren(...results(reference, text));
    else show(reference);
    $("side").classList.toggle("open", Boolean(text));
  };
  window.addEventListener("hashchange", () => show(reference));
  $("search").addEventListener("input", find);
  $("search").addEventListener("keydown", (event) => {
    if (event.key === "Enter") $("side").querySelector("a")?.click();
    if (event.key === "Escape") { $("search").value = ""; find(); }
  });
  $("menu").addEventListener("click", () => $("menu").setAttribute("aria-expanded", String($("side").classList.toggle("open"))));
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== $("search")) { event.preventDefault(); $("search").focus(); }
  });
  show(reference);
  const query = new URLSearchParams(location.search).get("q");
  if (query) { $("search").value = query; find(); }
}

begin();
