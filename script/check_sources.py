#!/usr/bin/env python3
"""Checks what the compiler does not: which target imports which, that every package declaration has a
doc comment, and that nothing is unfinished or forced. Prints file:line and exits 1 on a finding."""
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parent.parent

# Each target and what of ours it may import. The order is that of the layers.
ARROWS = {
    "JSON": {"CSimdjson"},
    "Model": {"JSON", "CCrypto"},
    "YAML": {"Model", "JSON"},
    "Engine": {"Model", "JSON", "CSimdjson"},
    "Content": {"Model", "JSON", "YAML"},
    "HTTP": {"CCurl"},
    "Collectors": {"Model", "JSON", "YAML", "HTTP", "CCrypto", "CExpat"},
    "Insights": {"Model", "JSON", "CSimdjson", "CZlib", "CRE2", "CCrypto"},
    "Reports": {"Model", "JSON"},
    "Channels": {"Model", "JSON", "HTTP", "CCurl"},
    "Vault": {"Model", "CCrypto", "CPKCS11"},
    "SignIn": {"Model", "JSON", "HTTP", "CCrypto", "CJOSE"},
    "Store": {"Model", "JSON", "CPack"},
    "SQLiteDriver": {"Store"},
    "PostgresDriver": {"Store", "CLibPQ"},
    "Operations": {"Engine", "Store", "Vault", "Model", "JSON"},
    "Web": {"Model", "JSON", "YAML", "Operations", "Reports", "Store", "SignIn", "CZlib"},
    "Fuzz": {"Engine", "JSON", "Model", "Operations", "YAML"},
    "TestSupport": {"Model", "JSON", "HTTP", "Collectors", "Store", "SQLiteDriver", "PostgresDriver"},
    "plumb": {
        "Model", "JSON", "YAML", "Engine", "Content", "Collectors", "Reports", "Operations",
        "Store", "SQLiteDriver", "PostgresDriver", "HTTP", "Vault", "Web",
        "SignIn", "Insights", "Channels",
    },
}
OURS = set(ARROWS) | {"CSimdjson", "CCrypto", "CPack", "CLibPQ", "CCurl", "CExpat", "CJOSE", "CPKCS11", "CZlib", "CRE2"}
CODE_LINES = 300

findings = []


def found(path, line, message):
    findings.append(f"{path.relative_to(root)}:{line}: {message}")


def check_imports(path, target, number, text):
    match = re.match(r"\s*(?:@\w+ )?(?:package |internal |public |private )?import (\w+)", text)
    if match and match[1] in OURS - ARROWS[target] - {target}:
        found(path, number, f"{target} may not import {match[1]}")


def check_documentation(path, lines, index):
    if not re.match(r"\s*(?:@\w+(?:\([^)]*\))? )*package (?!import)", lines[index]):
        return
    above = index - 1
    while above >= 0 and lines[above].strip().startswith("@"):
        above -= 1
    declaration = re.search(r"package (?:\w+\(set\) |private\(set\) |static |final |indirect |mutating |convenience )*(\w+)(?: +(\w+))?", lines[index])
    # A memberwise initialiser repeats its type's properties, whose comments say what they mean; the
    # same goes for stored properties that only name a documented part.
    if declaration and declaration[1] in ("init", "var", "let"):
        return
    if above < 0 or not lines[above].strip().startswith("///"):
        found(path, index + 1, f"no doc comment: {lines[index].strip()}")


for path in sorted((root / "Sources").rglob("*.swift")):
    target = path.relative_to(root / "Sources").parts[0]
    lines = path.read_text(encoding="utf-8").split("\n")
    if target not in ARROWS:
        found(path, 1, f"target {target} is not in script/check_sources.py")
        continue
    code = 0
    for index, text in enumerate(lines):
        stripped = text.strip()
        if stripped and not stripped.startswith("//"):
            code += 1
        check_imports(path, target, index + 1, text)
        check_documentation(path, lines, index)
        if re.search(r"\b(TODO|FIXME|XXX)\b|fatalError\(|\btry!|\bas!", text):
            found(path, index + 1, f"unfinished or forced: {stripped}")
    if code > CODE_LINES:
        found(path, 1, f"{code} lines of code; at most {CODE_LINES}")

for path in sorted((root / "Tests").rglob("*Tests.swift")):
    text = path.read_text(encoding="utf-8")
    for match in re.finditer(r"@Test.*?(?=\n  @Test|\nstruct |\Z)", text, re.S):
        if not re.search(r"#expect|#require|Issue\.record|expect[A-Z]\w*\(", match[0]):
            found(path, text[: match.start()].count("\n") + 1, "a test without an expectation")

for finding in findings:
    print(finding)
sys.exit(1 if findings else 0)
