"""Checks pages of the dashboard that were saved to files: valid HTML, nothing inline, names and structure.

Usage: check_pages.py FOLDER. Prints what is wrong, a line each, and exits 1."""
import pathlib
import re
import sys

import html5lib

OWN_SCRIPT = re.compile(r"^/assets/[a-z]+-[0-9a-f]{12}\.js$")
URLS = {"href", "src", "action", "formaction", "data-hx-get", "data-hx-post"}
SAFE = re.compile(r"^(/|#|https://|\?|$)")
# Markup of ours that was escaped because a string held it where markup was meant.
ESCAPED = re.compile(r"&lt;(p|div|ul|li|span|a|table|dl|section) (class|href|aria)=")


def name(element):
    return element.tag.split("}")[-1] if isinstance(element.tag, str) else ""


def text(element):
    return "".join(element.itertext()).strip()


def faults(source):
    parser = html5lib.HTMLParser(strict=False)
    document = parser.parse(source)
    for (line, _), code, _ in parser.errors:
        yield f"line {line}: {code}"
    if ESCAPED.search(source):
        yield f"escaped markup of our own: {ESCAPED.search(source).group(0)}"
    elements = list(document.iter())
    ids = [element.get("id") for element in elements if element.get("id")]
    for id in {id for id in ids if ids.count(id) > 1}:
        yield f"id {id} stands twice"
    for element in elements:
        tag = name(element)
        if tag == "style" or element.get("style") is not None:
            yield "an inline style"
        if tag == "script" and (not OWN_SCRIPT.match(element.get("src", "")) or text(element)):
            yield f"an inline or foreign script: {element.get('src')}"
        for attribute, value in element.attrib.items():
            if attribute.lower().startswith("on"):
                yield f"an inline handler: {attribute}"
            if attribute in URLS and not SAFE.match(value) and not (tag == "link" and value.startswith("data:image/")):
                yield f"{tag} {attribute} leads to {value[:60]}"
            if attribute in ("aria-labelledby", "aria-describedby", "for"):
                for id in value.split():
                    if id not in ids:
                        yield f"{attribute} names {id}, which is not there"
        if tag == "a" and not text(element) and not element.get("aria-label"):
            yield f"a link without a name: {element.get('href')}"
        if tag == "button" and not text(element):
            yield "a button without a name"
        if tag in ("input", "select", "textarea") and element.get("type") != "hidden":
            labels = [one for one in elements if name(one) == "label"]
            named = any(one.get("for") == element.get("id") for one in labels if element.get("id"))
            if not named and not any(element in list(one.iter()) for one in labels):
                yield f"a field without a label: {element.get('name')}"
        if tag == "table":
            if not any(name(one) == "caption" for one in element):
                yield "a table without a caption"
            if any(name(one) == "th" and not one.get("scope") for one in element.iter()):
                yield "a heading of a table without a scope"
        if tag == "svg" and element.get("aria-hidden") != "true" and not any(name(one) == "title" for one in element):
            yield "a picture without a title"
    tags = [name(element) for element in elements]
    if tags.count("h1") != 1:
        yield f"{tags.count('h1')} headings of the first level"
    if tags.count("main") != 1:
        yield "not one main part"
    if not any(name(one) == "html" and one.get("lang") == "en" for one in elements):
        yield "no language"
    title = next((text(one) for one in elements if name(one) == "title"), "")
    if not title:
        yield "no title"


wrong = 0
files = sorted(pathlib.Path(sys.argv[1]).glob("*.html"))
for file in files:
    source = file.read_text(encoding="utf-8")
    address = (file.with_suffix(".url")).read_text() if file.with_suffix(".url").exists() else file.name
    for fault in faults(source):
        wrong += 1
        print(f"{address}: {fault}")
print(f"{len(files)} pages checked")
sys.exit(1 if wrong or not files else 0)
